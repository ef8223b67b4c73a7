"""Bundled sample models: real graphs without their weights, named ``@name`` on the command line.

``pack`` fills them, ``inputs`` makes inputs for them; ``README.md`` says where each comes from.
"""

from __future__ import annotations

from collections.abc import Collection
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from .errors import refusal


class Sample(NamedTuple):
    """A bundled model: what it shows, the licence of its graph, and where that comes from."""

    name: str
    description: str
    licence: str
    source: str

    @property
    def path(self) -> Path:
        """The file as installed."""
        return Path(str(resources.files(__package__))) / f"{self.name}.onnx"


_SAMPLES = (
    Sample(
        "gpt2_4l",
        "decoder step with a key-value cache: symbolic dims, long Shape/Gather/Unsqueeze chains",
        "Apache-2.0",
        "transformers 5.23.0, GPT-2 with 4 layers",
    ),
    Sample(
        "mobilenet_v2",
        "depthwise convolutions with BatchNormalization apart, constants in Constant nodes",
        "BSD-3-Clause",
        "torchvision 0.28.0",
    ),
    Sample(
        "odd_channels",
        "channel counts (13, 29, 51, 67, 101) that no vector width divides",
        "Apache-2.0",
        "ocost",
    ),
    Sample(
        "repvgg_a0",
        "parallel 3x3, 1x1 and identity branches that one convolution can replace",
        "Apache-2.0",
        "timm 1.0.31",
    ),
    Sample(
        "resnet18",
        "residual blocks with BatchNormalization apart",
        "BSD-3-Clause",
        "torchvision 0.28.0",
    ),
    Sample(
        "resnet18_qdq",
        "resnet18 quantised to uint8 activations and int8 weights by QuantizeLinear pairs",
        "BSD-3-Clause",
        "torchvision 0.28.0, onnxruntime 1.32.0",
    ),
    Sample(
        "shufflenet_v2",
        "channel shuffles: Slice, Reshape and Transpose around small convolutions",
        "BSD-3-Clause",
        "torchvision 0.28.0",
    ),
    Sample(
        "silero_vad",
        "voice detector with control flow: nested Ifs, decided by the sampling rate and by shapes",
        "MIT",
        "silero-vad 6.2.3",
    ),
)


def samples() -> list[Sample]:
    """Every bundled model, by name."""
    return list(_SAMPLES)


def _near(word: str, known: Collection[str], count: int, cutoff: float) -> list[str]:
    import difflib  # noqa: PLC0415 - for a hint alone

    return difflib.get_close_matches(word, known, count, cutoff)


def like_sample(word: str) -> str:
    """The bundled model that a word without ``@`` may mean; "" if it is like none."""
    stem = word.removesuffix(".onnx").lower()
    return next(iter(_near(stem, [s.name for s in _SAMPLES], 1, 0.8)), "")


def instead_of(file: Path) -> str:
    """What may have been meant by a file that is not there: "; did you mean @mobilenet_v2?".

    That is the bundled sample without its ``@``, or a model beside it of a similar name; "" if
    there is nothing like it.
    """
    near = [f"@{sample}"] if (sample := like_sample(str(file))) else []
    if not near and file.parent.is_dir():
        beside = [p.name for p in file.parent.iterdir() if p.suffix in (".onnx", ".ort")]
        near = [str(file.parent / n) for n in _near(file.name, beside, 1, 0.7)]
    return f"; did you mean {near[0]}?" if near else ""


def resolve(spec: str) -> Path:
    """The file that ``@name`` of a bundled model, or a plain path, stands for.

    A plain path is not looked up: whether it can be read is found by reading it.

    Raises
    ------
    OcostError
        No bundled model has that name.
    """
    if not spec.startswith("@"):
        return Path(spec)
    by_name = {sample.name: sample for sample in _SAMPLES}
    if sample := by_name.get(spec[1:]):
        return sample.path
    close = _near(spec[1:].lower(), by_name, 3, 0.5)
    hint = f"did you mean {' or '.join(f'@{name}' for name in close)}? " if close else ""
    everything = ", ".join(f"@{name}" for name in by_name)
    raise refusal(f"no sample model is called {spec}: {hint}there are {everything}")
