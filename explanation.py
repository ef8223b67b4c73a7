"""What a name means: an operator's cost formula, a device, a kernel kind, a pass."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from .costmodel.catalogue import devices, find
from .costmodel.device import HOST, Device
from .costmodel.exempt import EXEMPT
from .costmodel.figures import FIGURES
from .costmodel.kinds import KernelKind
from .costmodel.work import rules
from .graph import OcostError
from .graph.shapes.info import shape_rules
from .passes import passes
from .rewrite.rewriting import Pass

_ONNXSIM, _OPSET = "onnxsim", "opset"  # stages of the pipeline beside the passes
_PACKAGE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Explanation:
    """An answer to ``ocost explain``: what the name is, in words, and where it is written."""

    name: str
    what: str  # "operator formula", "device", "kernel kind", "pass", "optimisers", "stage"
    text: str
    source: str = ""  # file and line in the package
    device: Device | None = None


@dataclass(frozen=True, slots=True)
class Topic:
    """Names of one kind that ``explain`` knows, and what it says of them."""

    title: str
    about: str
    names: tuple[str, ...]


def topics() -> list[Topic]:
    """All that can be explained."""
    operators = sorted({_spell(key) for key in (*rules(), *EXEMPT)}, key=lambda n: ("::" in n, n))
    return [
        Topic("figures", "what is counted, and how", tuple(FIGURES)),
        Topic("passes", "what a rewrite does, before and after", (*passes(), _ONNXSIM, _OPSET)),
        Topic("kernel kinds", "which devices have them measured", tuple(map(str, KernelKind))),
        Topic("devices", "their figures and sources", (*devices(), HOST)),
        Topic("operators", "the formula for their cost", tuple(operators)),
    ]


def explain(name: str) -> Explanation:
    """What a name means.

    Raises
    ------
    OcostError
        If nothing is called so.
    """
    if name in (*devices(), HOST):
        device = find(name)
        return Explanation(name, "device", device.title, "", device)
    found = _operator(name)
    if found is not None:
        return found
    if name in list(KernelKind):
        return _kind(KernelKind(name))
    if name in passes():
        return _pass(passes()[name])
    if name in (_ONNXSIM, _OPSET):
        return _onnxsim() if name == _ONNXSIM else _opset()
    for figure, text in FIGURES.items():
        if name.lower() in (figure, figure.removesuffix("_s").removesuffix("_bytes")):
            return Explanation(figure, "figure", text, "costmodel/figures.py")
    known = {n for topic in topics() for full in topic.names for n in (full, full.split("::")[-1])}
    near = get_close_matches(name, sorted(known), 3, 0.5)
    hint = f"did you mean {', '.join(near)}?" if near else "try Conv, pointwise, nvidia-a100"
    raise OcostError(f"nothing is called '{name}'; {hint}")


def _spell(key: tuple[str, str]) -> str:
    return "::".join(filter(None, key))


def _operator(name: str) -> Explanation | None:
    domain, _, op_type = name.rpartition("::")
    found = sorted(k for k in rules() if k[1] == op_type)  # ONNX's own first
    keys = [(domain, op_type)] if domain else found
    for key in keys:
        rule = rules().get(key)
        if rule is None:
            continue
        weights = (
            "float constants of more than one element, in any slot"
            if rule.weights is None
            else ", ".join(f"input {slot}" for slot in rule.weights) or "none"
        )
        facts = [f"parameters: {weights}"]
        if key in shape_rules():
            facts.append(f"shape rule: {_where(shape_rules()[key])}")
        others = [_spell(k) for k in keys if k != key]
        if others:
            facts.append(f"see also: {', '.join(others)}")
        text = "\n\n".join([*_docs(rule.formula), "\n".join(f"- {fact}" for fact in facts)])
        return Explanation(_spell(key), "operator formula", text, _where(rule.formula))
    for key, reason in EXEMPT.items():
        if key == (domain, op_type) or (not domain and key[1] == op_type):
            return Explanation(
                _spell(key), "operator without a cost", reason, "costmodel/exempt.py"
            )
    return None


def _kind(kind: KernelKind) -> Explanation:
    rows = []
    for name in devices():
        row = find(name).row(kind)
        if row.measured:
            rows.append(f"- {name}: compute {row.compute:.0%}, memory {row.memory:.0%}")
    text = (
        "A row of a device's efficiency table: the shares of peak and of bandwidth that such "
        "kernels reach, 1.0 where nothing was measured. Measured:\n\n"
    )
    return Explanation(
        str(kind), "kernel kind", text + "\n".join(rows or ["- nowhere"]), _where(KernelKind)
    )


def _pass(kind: type[Pass]) -> Explanation:
    file = inspect.getmodule(kind)
    text = "\n\n".join(part for part in (_doc(kind), _doc(file)) if part)
    return Explanation(kind.name, "pass", text, _where(kind))


def _onnxsim() -> Explanation:
    """Its optimisers: those that run, those that don't and why."""
    from .optimize.onnxsim_optimizers import left_out, trusted  # noqa: PLC0415 - it imports runtimes

    shown = [f"- {name}" for name in trusted()]
    others = [f"- {name}: {reason}" for name, reason in sorted(left_out().items())]
    parts = [
        "onnxsim has a turn whenever the passes find nothing more. Where one of its optimisers "
        "raises a figure or breaks the graph, that one is left out. '--skip onnxsim:NAME' leaves "
        "one out, '--no-onnxsim' all of them.",
        "These run:",
        "\n".join(shown),
        "These don't, nor does one that is in neither list:",
        "\n".join(others),
    ]
    where = _where(trusted)
    return Explanation(_ONNXSIM, "optimisers", "\n\n".join(parts), where)


def _opset() -> Explanation:
    from .optimize import opset  # noqa: PLC0415 - it imports runtimes

    text = (
        "With '--opset N' a model is first converted to another opset of ONNX's own operators, "
        "and compared with what it was, as after any pass. Where that can't be proven, it is left "
        "as it was."
    )
    return Explanation(_OPSET, "stage", f"{text}\n\n{_doc(opset)}", _where(opset.convert))


def _docs(formula: Callable[..., object]) -> list[str]:
    """The docstrings of a formula and of the functions that it shares its arithmetic with.

    Those are public, of the formulas' files, and speak of macs or flops.
    """
    code, scope = inspect.unwrap(formula).__code__, inspect.getmodule(formula)
    called = (getattr(scope, name, None) for name in code.co_names if not name.startswith("_"))
    helpers = [
        f
        for f in called
        if inspect.isfunction(f) and f.__module__.startswith(f"{__package__}.costmodel.ops")
    ]
    docs = [doc.partition("\n\nParameters\n")[0] for doc in map(inspect.getdoc, helpers) if doc]
    return [_doc(formula), *(doc for doc in docs if "macs" in doc or "flops" in doc)]


def _doc(thing: object) -> str:
    return inspect.getdoc(thing) or ""


def _where(thing: object) -> str:
    file = inspect.getsourcefile(thing)  # type: ignore[arg-type] # a function or a class
    if file is None:
        return ""
    _, line = inspect.getsourcelines(thing)  # type: ignore[arg-type] # a function or a class
    return f"{Path(file).relative_to(_PACKAGE)}:{line}"
