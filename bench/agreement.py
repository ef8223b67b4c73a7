"""How far MACs agree: between exports of one architecture, and with what others count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tables import grouped, table

VARIANTS = {
    "keepbn": "TorchScript exporter, BatchNormalization kept apart, no constants folded, opset 13",
    "tsdyn": "TorchScript exporter, dynamic axes, no constants folded, opset 16",
    "ts": "TorchScript exporter with its defaults, opset 17",
    "dyn": "dynamo exporter and its optimiser, opset 20",
    "dynraw": "dynamo exporter without its optimiser",
    "dynshape": "dynamo exporter and its optimiser, symbolic dims",
    "qdq": "quantised by QuantizeLinear pairs: uint8 activations, int8 weights per channel",
    "qdqs8": "quantised by QuantizeLinear pairs: int8, per tensor",
    "qdqraw": "quantised by QuantizeLinear pairs, BatchNormalization not folded before",
    "qop": "quantised, operators on integers",
    "qop16": "quantised, operators on 16-bit integers",
    "dynq": "quantised dynamically: weights ahead, activations at run time",
    "fp16": "converted to float16, inputs and outputs apart",
    "fp16io": "converted to float16 wholly",
    "ortbasic": "saved by onnxruntime after its basic optimisations",
    "ortext": "saved by onnxruntime after its extended optimisations",
    "ortall": "saved by onnxruntime after all its optimisations",
}
"""How a graph was exported, and what was done to it then: the last parts of a model's name."""

COUNTED_APART = {
    "vit_b_16": (
        12 * 2 * 197 * 197 * 768,
        "the counter misses the products of fused attention: "
        "12 layers x 2 x 197 x 197 x 768 = 715 327 488 MACs",
    ),
    "bert_4l_768": (
        -768 * 768,
        "the counter has the pooler, whose output was not exported: 768 x 768 = 589 824 MACs",
    ),
}
"""MACs that the graph has beyond the flop counter's, and why; shown if they make both equal."""


def split(name: str) -> tuple[str, str]:
    """Architecture and variant of a model's name: ``a_v2.0.keepbn`` is keepbn of ``a_v2.0``."""
    parts = name.split(".")
    at = len(parts)
    while at > 1 and parts[at - 1] in VARIANTS:
        at -= 1
    return ".".join(parts[:at]), ".".join(parts[at:])


def by_macs(macs: Mapping[str, int | None], names: Iterable[str]) -> dict[int | None, list[str]]:
    """Variants by their MACs."""
    found: dict[int | None, list[str]] = {}
    for name in names:
        found.setdefault(macs[name], []).append(split(name)[1] or "as it is")
    return found


def variants(macs: Mapping[str, int | None]) -> str:
    """The MACs of every architecture that has several variants."""
    architectures: dict[str, list[str]] = {}
    for name in macs:
        architectures.setdefault(split(name)[0], []).append(name)
    several = {key: by_macs(macs, names) for key, names in architectures.items() if len(names) > 1}
    rows = [
        [name, ", ".join(which), grouped(value), "yes" if len(found) == 1 else "**no**"]
        for name, found in several.items()
        for value, which in found.items()
    ]
    equal = sum(len(found) == 1 for found in several.values())
    return (
        f"Of {len(several)} architectures with more than one variant, {equal} have the same MACs "
        "in all of them.\n\n" + table(["architecture", "variants", "MACs", "the same"], rows, 2)
    )


def against(macs: Mapping[str, int | None], reference: Sequence[Mapping[str, str]]) -> str:
    """MACs beside torchvision's published ones and those of torch's flop counter."""
    rows, remarks = [], []
    for line in reference:
        name, published = line["model"], line["gmacs_torchvision_meta"]
        counted = line["gflops_flop_counter"]
        for value in by_macs(macs, (key for key in macs if split(key)[0] == name)):
            if value is None:
                continue
            same = "yes" if published == f"{value / 1e9:.3f}" else "**no**"
            half = f"{float(counted) / 2:.7f}" if counted else "-"
            agrees, why = compare(name, value, counted) if counted else ("-", "")
            there = [published, same] if published else ["-", "-"]
            rows.append([name, grouped(value), *there, half, agrees])
            remarks += [f"* {name}: {why}"] if why else []
    headers = ["architecture", "MACs", "torchvision, G", "the same", "flop counter / 2, G"]
    compared = table([*headers, "the same"], rows)
    return "\n\n".join([compared, *(["\n".join(remarks)] if remarks else [])])


def compare(name: str, macs: int, counted: str) -> tuple[str, str]:
    """Whether torch's flop counter agrees, and where not, why, as far as that is known."""
    if f"{2 * macs / 1e9:.6f}" == counted:
        return "yes", ""
    apart, why = COUNTED_APART.get(name, (0, ""))
    if f"{2 * (macs - apart) / 1e9:.6f}" == counted:
        return "but for", why
    return "**no**", f"{macs - float(counted) / 2 * 1e9:+.0f} MACs, unexplained"
