"""What a target can be told to leave out."""

from __future__ import annotations

from onnx import parser

from ocost.graph import Graph, from_proto
from ocost.passes.lowering import OptimizationLevel, Target, lower
from ocost.passes.lowering.onnxruntime_cpu.pipeline import switches

MODEL = """<ir_version: 8, opset_import: ["":17]>
g (float[1,3,16,16] x) => (float[1,32,16,16] y)
<float[32,3,1,1] w = {WEIGHTS}, float[32] s = {ONES}, float[32] b = {ONES}> {
    c = Conv (x, w)
    n = BatchNormalization (c, s, b, b, s)
    y = Relu (n)
}"""


def graph() -> Graph:
    ones = ", ".join(["1"] * 32)
    text = MODEL.replace("WEIGHTS", ", ".join(["1"] * 96)).replace("ONES", ones)
    return from_proto(parser.parse_model(text))


def executed(*off: str, **target: OptimizationLevel) -> list[str]:
    target_ = Target(without=frozenset(off))._replace(**target)
    return [node.op_type for node in lower(graph(), target_).graph]


def test_in_the_order_of_the_runtime() -> None:
    names = switches(Target())
    assert len(names) == len(set(names))
    assert names[0] == "EliminateIdentity"
    order = ["ConvBNFusion", "ConstantFolding", "ConvActivationFusion", "NchwcTransformer"]
    assert [name for name in names if name in order] == order
    assert names[-1] == "FuseFp16InitializerToFp32NodeTransformer"


def test_by_level_and_version() -> None:
    assert switches(Target(level=OptimizationLevel.DISABLE)) == ()
    basic = switches(Target(level=OptimizationLevel.BASIC))
    assert "ConvBNFusion" in basic
    assert "ConvActivationFusion" not in basic
    assert switches(Target())[: len(basic)] == basic
    assert "WhereDummyDq" not in switches(Target(version=(1, 23)))
    assert "ConvBNFusion" not in switches(Target(without=frozenset({"ConvBNFusion"})))


def test_what_is_left_out() -> None:
    assert executed() == ["Conv", "ReorderOutput"]
    assert executed("NchwcTransformer") == ["FusedConv"]
    assert executed("NchwcTransformer", "ConvActivationFusion") == ["Conv", "Relu"]
    assert executed("ConvBNFusion", level=OptimizationLevel.BASIC) == [
        "Conv",
        "BatchNormalization",
        "Relu",
    ]
    assert executed(*switches(Target())) == ["Conv", "BatchNormalization", "Relu"]
    # A bundle is left out as a whole, too.
    assert executed("Level1_RuleBasedTransformer", level=OptimizationLevel.BASIC) == executed(
        "ConvBNFusion", level=OptimizationLevel.BASIC
    )
