"""Each fusion of onnxruntime has exactly the cover that it should."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, parser

from ocost.graph import Graph, from_proto
from ocost.lineage.attribution import attribute
from ocost.lineage.lineage import Lineage
from ocost.runtime.protocol import SessionLevel

Spec = tuple[str, str, str]  # operator, inputs, outputs: "Conv", "x w", "c"
IMAGE, ROWS = [1, 4, 8, 8], [2, 6, 8]


def graph(
    specs: Sequence[Spec | tuple[Spec, dict[str, object]]],
    shape: Sequence[int],
    weights: dict[str, np.ndarray | Sequence[int]],
    outputs: Sequence[str] = ("y",),
    opset: int = 17,
) -> Graph:
    """A graph of float input x; weights given by shape are random, nodes are named n0, n1, ..."""
    rng = np.random.default_rng(0)
    nodes = []
    for number, spec in enumerate(specs):
        (op_type, reads, makes), attributes = spec if isinstance(spec[1], dict) else (spec, {})
        inputs = ["" if name == "_" else name for name in reads.split()]
        nodes.append(helper.make_node(op_type, inputs, makes.split(), f"n{number}", **attributes))
    initializers = [
        numpy_helper.from_array(
            data
            if isinstance(data, np.ndarray)
            else rng.random(tuple(data)).astype(np.float32) + np.float32(0.5),
            name,
        )
        for name, data in weights.items()
    ]
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(shape))],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        initializers,
    )
    return from_proto(
        helper.make_model(made, ir_version=8, opset_imports=[helper.make_opsetid("", opset)])
    )


def covers(found: Lineage) -> list[tuple[str, str, str]]:
    """Operator, status and originals of every executed node."""
    return [(node.op_type, node.status, " ".join(node.originals)) for node in found.executed]


CONV = {"w": [16, 4, 3, 3], "b": [16]}
BN = {"scale": [16], "shift": [16], "mean": [16], "var": [16]}
SAME = {"pads": [1, 1, 1, 1]}
HALF, ONE, TWO, ROOT, EPS = (np.array(v, np.float32) for v in (0.5, 1, 2, 2**0.5, 1e-5))

BATCH_NORM = graph(
    [
        ("Conv", "x w", "c"),
        ("BatchNormalization", "c scale shift mean var", "d"),
        ("Relu", "d", "y"),
    ],
    IMAGE,
    {**CONV, **BN},
)
RESIDUAL = graph(
    [
        (("Conv", "x w b", "c"), SAME),
        (("Conv", "x w2 b", "d"), SAME),
        ("Add", "c d", "s"),
        ("Relu", "s", "y"),
    ],
    IMAGE,
    {**CONV, "w2": [16, 4, 3, 3]},
)
LINEAR = graph([("MatMul", "x w", "m"), ("Add", "m b", "y")], [6, 8], {"w": [8, 4], "b": [4]})
LINEAR_3D = graph([("MatMul", "x w", "m"), ("Add", "m b", "y")], ROWS, {"w": [8, 4], "b": [4]})
GELU = graph(
    [
        ("Div", "x root", "d"),
        ("Erf", "d", "e"),
        ("Add", "e one", "a"),
        ("Mul", "x a", "m"),
        ("Mul", "m half", "y"),
    ],
    ROWS,
    {"root": ROOT, "one": ONE, "half": HALF},
)
LAYER_NORM = graph(
    [
        (("ReduceMean", "x", "mu"), {"axes": [-1]}),
        ("Sub", "x mu", "c"),
        ("Pow", "c two", "q"),
        (("ReduceMean", "q", "v"), {"axes": [-1]}),
        ("Add", "v eps", "e"),
        ("Sqrt", "e", "s"),
        ("Div", "c s", "n"),
        ("Mul", "n gamma", "g"),
        ("Add", "g beta", "y"),
    ],
    ROWS,
    {"two": TWO, "eps": EPS, "gamma": [8], "beta": [8]},
)
SILU = graph([("Sigmoid", "x", "s"), ("Mul", "x s", "y")], ROWS, {})
HARD_SWISH = graph([("Relu", "x", "r"), ("HardSwish", "r", "y")], ROWS, {})
PADDED = graph(
    [("Pad", "x pads", "p"), ("Conv", "p w b", "y")],
    IMAGE,
    {**CONV, "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1])},
)
GATES = graph(
    [("Split", "x", "a b"), ("Add", "a b", "y")],
    ROWS,
    {},
)


@pytest.mark.parametrize(
    ("original", "expected"),
    [
        pytest.param(BATCH_NORM, [("FusedConv", "exact", "n0 n1 n2")], id="Conv BN Relu"),
        pytest.param(LINEAR, [("Gemm", "exact", "n0 n1")], id="MatMul Add"),
        pytest.param(
            LINEAR_3D,
            [
                ("Reshape", "layout", "n0"),
                ("Gemm", "exact", "n0 n1"),
                ("Reshape", "layout", "n1"),
            ],
            id="MatMul Add in 3-D",
        ),
        pytest.param(GELU, [("Gelu", "exact", "n0 n1 n2 n3 n4")], id="Gelu"),
        pytest.param(
            LAYER_NORM,
            [("LayerNormalization", "exact", "n0 n1 n2 n3 n4 n5 n6 n7 n8")],
            id="LayerNormalization",
        ),
        pytest.param(SILU, [("QuickGelu", "exact", "n0 n1")], id="x * sigmoid(x)"),
        pytest.param(
            HARD_SWISH,
            [("Relu", "exact", "n0"), ("HardSigmoid", "group", "n1"), ("Mul", "group", "n1")],
            id="HardSwish is inlined",
        ),
        pytest.param(PADDED, [("Conv", "exact", "n0 n1")], id="Pad Conv"),
        pytest.param(
            GATES, [("Split", "exact", "n0"), ("Add", "exact", "n1")], id="nothing is fused"
        ),
    ],
)
def test_fusions(original: Graph, expected: object, optimised) -> None:
    found = attribute(original, optimised(original, SessionLevel.EXTENDED))
    assert covers(found) == expected


def test_blocked_convolutions(optimised) -> None:
    """Whether the layout is blocked depends on the machine: the covers don't."""
    found = attribute(RESIDUAL, optimised(RESIDUAL, SessionLevel.ALL))
    work = [originals for _, status, originals in covers(found) if status == "exact"]
    assert sorted(work) == ["n0 n2 n3", "n1"] or sorted(work) == ["n0", "n1 n2 n3"]
    for op_type, status, originals in covers(found):
        if op_type == "ReorderOutput":
            assert (status, originals) == ("layout", "n3")
    assert set(found.originals.values()) == {"once"}


def test_nothing_is_optimised(optimised) -> None:
    for original in (RESIDUAL, LAYER_NORM, GELU):
        found = attribute(original, optimised(original, SessionLevel.DISABLE))
        assert covers(found) == [(node.op_type, "exact", node.id) for node in original]
        assert set(found.originals.values()) == {"once"}


def test_folded_merged_dropped_and_dead(optimised) -> None:
    original = graph(
        [
            ("Add", "k1 k2", "k"),  # n0: of constants
            ("Mul", "x k", "a"),  # n1
            ("Mul", "x k", "b"),  # n2: the same as n1
            ("Identity", "b", "i"),  # n3
            ("Neg", "x", "only"),  # n4: its shape is all that is asked for
            ("Shape", "only", "s"),  # n5: known before the run
            ("Reshape", "i s", "r"),  # n6
            ("Add", "a r", "y"),  # n7
        ],
        ROWS,
        {"k1": [8], "k2": [8]},
    )
    found = attribute(original, optimised(original, SessionLevel.BASIC))
    fates = dict(found.originals)
    assert {fates.pop("n1"), fates.pop("n2")} == {"once", "cse"}
    assert fates == {
        "n0": "folded",
        "n3": "cse",
        "n4": "dead",
        "n5": "folded",
        "n6": "once",
        "n7": "once",
    }


def test_quantised_units(optimised) -> None:
    scale = {"s": HALF, "z": np.array(0, np.uint8), "ws": HALF, "wz": np.array(0, np.int8)}
    original = graph(
        [
            ("QuantizeLinear", "x s z", "q"),
            ("DequantizeLinear", "q s z", "d"),
            ("DequantizeLinear", "wq ws wz", "w"),
            ("Conv", "d w", "c"),
            ("QuantizeLinear", "c s z", "cq"),
            ("DequantizeLinear", "cq s z", "y"),
        ],
        IMAGE,
        {**scale, "wq": np.ones((16, 4, 1, 1), np.int8)},
    )
    found = attribute(original, optimised(original, SessionLevel.EXTENDED))
    assert covers(found) == [
        ("QuantizeLinear", "exact", "n0"),
        ("QLinearConv", "exact", "n1 n2 n3 n4"),
        ("DequantizeLinear", "exact", "n5"),
    ]


def test_a_dequantised_tensor_with_two_readers_is_copied(optimised) -> None:
    scale = {"s": HALF, "z": np.array(0, np.uint8)}
    original = graph(
        [
            ("QuantizeLinear", "x s z", "q"),
            ("DequantizeLinear", "q s z", "d"),
            ("Sin", "d", "a"),
            ("Cos", "d", "b"),
            ("Add", "a b", "y"),
        ],
        ROWS,
        scale,
    )
    found = attribute(original, optimised(original, SessionLevel.EXTENDED))
    assert [c for c in covers(found) if c[0] == "DequantizeLinear"] == [
        ("DequantizeLinear", "exact", "n1"),
        ("DequantizeLinear", "exact", "n1"),
    ]
    assert found.originals["n1"] == "multi"


def test_half_precision_is_cast(optimised) -> None:
    """The CPU has no float16 Sin: a Cast is put before and behind."""
    made = parser.parse_model(
        """<ir_version: 8, opset_import: ["":17]>
        g (float16[4] x) => (float16[4] y) { a = Sin(x)  y = Cos(a) }"""
    )
    original = from_proto(made)
    found = attribute(original, optimised(original, SessionLevel.ALL))
    layout = [node for node in found.executed if node.status == "layout"]
    assert {node.op_type for node in layout} == {"Cast"}
    assert [node.originals for node in layout] == [("a",), ("y",)]
    assert found.originals == {"a": "once", "y": "once"}


def test_transposes_that_are_moved(optimised) -> None:
    """onnxruntime moves n0 behind n1, where it cancels with nothing: it is still n0."""
    original = graph(
        [
            (("Transpose", "x", "t"), {"perm": [0, 2, 3, 1]}),
            ("Relu", "t", "r"),
            (("Transpose", "r", "u"), {"perm": [0, 3, 1, 2]}),
            ("Add", "u x", "y"),
        ],
        IMAGE,
        {},
    )
    found = attribute(original, optimised(original, SessionLevel.BASIC))
    assert [node.op_type for node in found.executed] == ["Relu", "Add"]
    assert "missing" not in found.originals.values()
    assert all(node.status == "exact" for node in found.executed)
