"""The benchmark of attribution runs, and says where it falls short."""

import importlib
from collections import Counter
from pathlib import Path

import onnx
import pytest
from onnx import parser

import ocost
from ocost.runtime.protocol import SessionLevel


@pytest.fixture(autouse=True)
def _scripts(monkeypatch):
    monkeypatch.syspath_prepend(Path(ocost.__file__).parent / "bench")


MODEL = """
<ir_version: 8, opset_import: ["":17]>
g (float[1,4,8,8] x) => (float[1,4,8,8] y) <float[4,4,1,1] w, float[4] b>
{ c = Conv(x, w, b)  i = Identity(c)  r = Relu(i)  y = Softmax(r) }
"""


def test_page(tmp_path):
    model = parser.parse_model(MODEL)
    for tensor, dims in (("w", [4, 4, 1, 1]), ("b", [4])):
        size = 16 if tensor == "w" else 4
        model.graph.initializer.append(
            onnx.helper.make_tensor(
                tensor, onnx.TensorProto.FLOAT, dims, [0.5, -0.25] * (size // 2)
            )
        )
    onnx.save(model, tmp_path / "small.onnx")
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    page = tmp_path / "page.md"
    script = importlib.import_module("attribution")
    assert script.main([str(tmp_path), "--values", "-o", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    (row,) = [line for line in text.splitlines() if line.startswith("| small ")]
    cells = [cell.strip() for cell in row.split("|")[1:-1]]
    assert cells[:2] + cells[4:8] == ["small", "4", "100.00", "0", "", "1.000"]
    assert cells[2] == cells[3]
    (disabled,) = [line for line in text.splitlines() if line.startswith("| disable ")]
    # All four are executed as they are.
    assert [cell.strip() for cell in disabled.split("|")[2:9]] == [
        "4",
        "0",
        "0",
        "0",
        "0",
        "0",
        "4",
    ]
    assert "* broken: broken.onnx: not an ONNX model" in text
    assert "Not as it should be" not in text


def test_nothing_to_attribute(tmp_path, capsys):
    assert importlib.import_module("attribution").main([str(tmp_path)]) == 1
    assert "no model" in capsys.readouterr().err


def test_shortcomings():
    page = importlib.import_module("attribution_page")
    values = importlib.import_module("anchor_values").Values(3, ("a is not b",), 0, 0, 0.0)
    mapped = page.Mapped(
        0.01, Counter(exact=9, unmapped=1), Counter(once=9, missing=1), ("m",), Counter(Sin=1)
    )
    # 0.02 of 1 s unmapped, and 0.01 s of nodes that attribution doesn't name: 97 %.
    times = page.Times(1.0, Counter(exact=0.97, unmapped=0.02))
    levels = dict.fromkeys(SessionLevel, mapped)
    entry = page.Entry("net", 10, levels, times, {SessionLevel.ALL: values})
    assert entry.shortcomings() == [
        *(
            line
            for level in SessionLevel
            for line in (f"{level}: 1 not mapped: Sin", f"{level}: missing m")
        ),
        "all: a is not b",
        "97.00% of the time attributed",
    ]
    text = page.page([entry, page.Entry("bad", 0, reason="KeyError()", failed=True)])
    assert "* bad: KeyError()" in text
    assert "2.00% unmapped" in text
    assert "* net: 97.00% of the time attributed" in text
