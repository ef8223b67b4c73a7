"""What a name means, and where it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

import ocost
from ocost.costmodel.figures import FIGURES
from ocost.costmodel.result import NodeCost, Totals

ROOT = Path(ocost.__file__).parent


@pytest.mark.parametrize(
    ("name", "what", "says"),
    [
        ("Conv", "operator formula", "kernel volume"),
        ("com.microsoft::FusedConv", "operator formula", "residual branch"),
        ("FusedConv", "operator formula", "residual branch"),
        ("QLinearConv", "operator formula", "see also: com.microsoft::QLinearConv"),
        ("StringConcat", "operator without a cost", "strings"),
        ("SequenceAt", "operator without a cost", "sequence"),
        ("depthwise", "kernel kind", "x86-server-core: compute"),
        ("nvidia-a100", "device", "A100"),
        ("host", "device", "rough"),
        ("fold-batchnorm", "pass", "training mode"),
        ("opset", "stage", "onnx's version converter, asked about the nodes"),
        ("onnxsim", "optimisers", "eliminate_nop_monotone_argmax: where the function overflows"),
        ("traffic", "figure", "each distinct input read once"),
        ("MACs", "figure", "published figures"),
    ],
)
def test_names(name: str, what: str, says: str) -> None:
    found = ocost.explain(name)
    assert found.what == what
    assert says in found.text


def test_the_source_is_where_it_says() -> None:
    file, line = ocost.explain("Gather").source.split(":")
    text = (ROOT / file).read_text(encoding="utf-8").splitlines()
    assert "Gather" in text[int(line) - 1]


def test_nothing_private_is_told() -> None:
    for name in ("Attention", "NonMaxSuppression", "LSTM", "Resize"):
        assert "Raises" not in ocost.explain(name).text


def test_an_unknown_name_gets_a_hint() -> None:
    with pytest.raises(ocost.OcostError, match=r"^nothing is called 'Cnov'; did you mean .*Conv"):
        ocost.explain("Cnov")


def test_every_total_is_explained_or_plain() -> None:
    plain = {"read_bytes", "write_bytes", "padded_flops", "padded_bytes", "latency_high_s"}
    assert set(Totals.names()) <= FIGURES.keys() | plain
    assert {"bound", "efficiency", "weight_bytes"} <= set(NodeCost._fields) & FIGURES.keys()
