"""Every operator that onnx knows has a formula, or a reason why not."""

from __future__ import annotations

import onnx
import pytest

from ocost.costmodel.exempt import EXEMPT
from ocost.costmodel.work import rules

REGISTRY = {
    (schema.domain, schema.name) for schema in onnx.defs.get_all_schemas_with_history()
}  # deprecated ones too

RUNTIME = {
    "": ["SimplifiedLayerNormalization"],
    "com.microsoft": [
        "Attention",
        "BiasGelu",
        "DynamicQuantizeLSTM",
        "DynamicQuantizeMatMul",
        "EmbedLayerNormalization",
        "FastGelu",
        "FusedConv",
        "FusedGemm",
        "FusedMatMul",
        "Gelu",
        "GroupQueryAttention",
        "MatMulIntegerToFloat",
        "MatMulNBits",
        "MultiHeadAttention",
        "NhwcMaxPool",
        "QAttention",
        "QGemm",
        "QLinearAdd",
        "QLinearAveragePool",
        "QLinearConcat",
        "QLinearGlobalAveragePool",
        "QLinearLeakyRelu",
        "QLinearMul",
        "QLinearReduceMean",
        "QLinearSigmoid",
        "QLinearSoftmax",
        "QLinearWhere",
        "QuickGelu",
        "RotaryEmbedding",
        "SkipLayerNormalization",
        "SkipSimplifiedLayerNormalization",
    ],
    "com.microsoft.nchwc": [
        "AveragePool",
        "Conv",
        "GlobalAveragePool",
        "MaxPool",
        "ReorderInput",
        "ReorderOutput",
        "Upsample",
    ],
}  # what onnxruntime's own optimiser writes


def test_the_registry_is_the_whole_one():
    assert {"", "ai.onnx.ml", "ai.onnx.preview.training"} <= {domain for domain, _ in REGISTRY}
    assert {("", "Conv"), ("", "Upsample"), ("ai.onnx.ml", "ZipMap")} <= REGISTRY


@pytest.mark.parametrize("operator", sorted(REGISTRY), ids="::".join)
def test_operator_has_a_formula_or_a_reason(operator):
    assert (operator in rules()) != (operator in EXEMPT)


@pytest.mark.parametrize(
    "operator",
    [(domain, op_type) for domain, op_types in RUNTIME.items() for op_type in op_types],
    ids="::".join,
)
def test_operator_of_the_runtime_has_a_formula(operator):
    assert operator in rules()


def test_no_exemption_is_stale():
    assert set(EXEMPT) <= REGISTRY
    assert all(reason and "\n" not in reason for reason in EXEMPT.values())


def test_every_formula_says_what_it_counts():
    """The first lines of the docstrings make the table in the docs."""
    assert [rule.formula for rule in rules().values() if not rule.formula.__doc__] == []
