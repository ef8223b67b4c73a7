"""docs/flops.md says what the formulas do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ocost.costmodel.ops.elementwise import FLOPS, GELU_TANH_FLOPS
from ocost.costmodel.tables import constants, exempt, operators, update

PAGE = (Path(__file__).parents[2] / "docs" / "flops.md").read_text("utf-8")


def test_page_is_up_to_date():
    assert update(PAGE) == PAGE, "run: python -m ocost.costmodel.tables docs/flops.md"


def test_a_lost_mark_is_an_error():
    with pytest.raises(ValueError, match="constants"):
        update(PAGE.replace("<!-- end constants -->", ""))


def test_rows():
    assert "| 2 | `LeakyRelu`, `PRelu`, `Softplus`, `Swish` |" in constants()
    assert "| `Add`, `Div`, `Mul`, `Sub` | 1 an output element. | any |" in operators()
    assert "| `ImageDecoder` | decodes a compressed image" in exempt()


def test_constants_that_are_more_than_one_operation_are_explained():
    """The operations that the page lists are as many as the constant says."""
    section = PAGE.partition("What the larger ones are made of:")[2].partition("## ")[0]
    explained = {}
    for names, operations in re.findall(r"^\| (\S.*?) \| (.*?) \|$", section, re.MULTILINE)[1:]:
        parts = re.sub(r" \(.*\)", "", operations).replace("compare with both bounds", "a, b")
        count = sum(FLOPS.get(part, 1) for part in parts.split(", "))
        explained |= dict.fromkeys(names.split(", "), count)
    assert explained.pop('Gelu with `approximate="tanh"`') == GELU_TANH_FLOPS
    assert explained == {op_type: flops for op_type, flops in FLOPS.items() if flops > 1}
