"""Matrix products with what is transposed before them and added after them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from ..graph import Node
from ..graph.dtypes import DOUBLE, FLOAT, FLOAT16
from ..rewrite.edit import Edit
from ..rewrite.facts.affine import broadcasts
from ..rewrite.facts.arguments import attributes, has_input
from ..rewrite.facts.symbolic import Symbols
from ..rewrite.facts.written_out import read_only_by
from ..rewrite.pattern import Match, node, op, var
from ..rewrite.rewriting import Pass, PatternRule, Refused
from ..rewrite.scope import Scope


@dataclass(frozen=True)
class MergeGemm(Pass):
    """Make a Gemm of matrices with the Transpose before or after it, and the Add after it.

    Only of matrices: Gemm takes nothing else. A product of quantised tensors stays, since runtimes
    know it with its QuantizeLinear and DequantizeLinear by its form. What is added must be proven
    to leave the product's shape as it is: an open dim must come from where the product's does.
    """

    name: ClassVar[str] = "merge-gemm"

    def rules(self) -> Sequence[PatternRule]:
        """Transposes first: an Add takes the Gemm that they leave."""
        product = op("MatMul|Gemm", var("a"), var("b"), name="product", shared=True)
        return (
            PatternRule(node("MatMul|Gemm", "product"), _transposes),
            PatternRule(op("Add|Sum", product, var("bias"), name="sum"), partial(_bias, {})),
            PatternRule(
                op("Transpose", op("MatMul|Gemm", var("a"), var("b"), name="product")), _turn
            ),
        )


def _transposes(m: Match, edit: Edit) -> str:
    product, scope = m["product"], m.scope
    if not _of_matrices(scope, product):
        return ""
    inputs, flags = list(product.inputs), dict(product.attributes)
    for slot, flag in enumerate(("transA", "transB")):
        source = _transposed(scope, product, inputs[slot])
        if source is not None:
            inputs[slot] = source
            flags.update(attributes(**{flag: 1 - product.int(flag, 0)}))
    if tuple(inputs) == product.inputs:
        return ""
    if scope.opset() < 11 and not has_input(product, 2):
        raise Refused("opset 11 lets a Gemm go without a bias; convert with --opset 11")
    edit.change(product, op_type="Gemm", inputs=tuple(inputs), attributes=flags)
    return "a Gemm transposes what it reads itself"


def _transposed(scope: Scope, product: Node, tensor: str) -> str | None:
    """What a tensor is the transpose of, if that is made for this product alone."""
    maker = scope.graph.producer(tensor)
    if maker is None or maker.qualified_type != "Transpose" or scope.kept(tensor):
        return None
    alone = [reader.id for reader in scope.readers(tensor)] == [product.id]
    swaps = maker.ints("perm") in (None, (1, 0))
    return maker.inputs[0] if alone and swaps and not _dequantised(scope, maker) else None


def _bias(symbols: dict[str, Symbols], m: Match, edit: Edit) -> str:
    """``symbols`` are those of the scopes that were asked about in this sweep, by prefix."""
    product, scope, bias = m["product"], m.scope, m.tensor("bias")
    if bias in product.outputs or not _of_matrices(scope, product):
        return ""
    broadcasts(scope)
    read_only_by(scope, product, {m["sum"].id})
    known = symbols.get(scope.graph.prefix) or Symbols(scope)
    symbols[scope.graph.prefix] = known
    shape = known.dims(bias)
    if shape is None or len(shape) > 2:
        raise Refused(f"'{bias}' is not known to be a matrix or less, as a Gemm's bias has to be")
    made = known.dims(product.outputs[0]) or (None, None)
    if any(dim not in (1, own) for dim, own in zip(shape[::-1], made[::-1], strict=False)):
        raise Refused(f"'{bias}' is not proven to broadcast to the product's shape")
    edit.change(
        product,
        op_type="Gemm",
        inputs=(*product.inputs[:2], bias),
        outputs=m["sum"].outputs,
        attributes={k: v for k, v in product.attributes.items() if k != "beta"},
    )
    return f"what is added to the {product.op_type} is a Gemm's bias"


def _turn(m: Match, edit: Edit) -> str:
    """(A B)' is B' A', each of which a Gemm transposes itself."""
    product, transpose, scope = m["product"], m["Transpose"], m.scope
    if not _of_matrices(scope, product) or transpose.ints("perm") not in (None, (1, 0)):
        return ""
    if scope.opset() < 11:
        raise Refused("opset 11 lets a Gemm go without a bias; convert with --opset 11")
    a, b = product.inputs[:2]
    flags = attributes(transA=1 - product.int("transB", 0), transB=1 - product.int("transA", 0))
    edit.change(
        product,
        op_type="Gemm",
        inputs=(b, a),
        outputs=transpose.outputs,
        attributes={**product.attributes, **flags},
    )
    return "a Gemm of both operands transposed makes it in the other order"


def _of_matrices(scope: Scope, product: Node) -> bool:
    """Whether a product is of matrices of a type that Gemm takes, and not quantised."""
    operands = product.inputs[:2]
    shapes = [scope.dims(t) for t in operands]
    return (
        all(dims is not None and len(dims) == 2 for dims in shapes)
        and scope.dtype(operands[0]) in (FLOAT, DOUBLE, FLOAT16)
        and not _dequantised(scope, product)
    )


def _dequantised(scope: Scope, reader: Node) -> bool:
    makers = (scope.graph.producer(t) for t in reader.inputs[:2])
    return any(maker is not None and maker.op_type == "DequantizeLinear" for maker in makers)
