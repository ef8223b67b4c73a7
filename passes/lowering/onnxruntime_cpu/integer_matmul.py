"""MatMulInteger and what makes floats of its result.

Runtime's condition, extended level: MatMulInteger -> Cast to float -> Mul by the product of two
scales, each read once, maybe then Add of a constant. With a DynamicQuantizeLinear that nothing else
reads, that goes in too. 1.20 to 1.32.

    before  DynamicQuantizeLinear -> MatMulInteger -> Cast -> Mul -> Add
    after   com.microsoft::DynamicQuantizeMatMul
"""

from __future__ import annotations

from ....graph.dtypes import FLOAT
from ..near import called, listed
from ..node import WorkNode
from ..rule import LoweringRule
from ..work import Work, cover
from .conditions import MS, other


def _to_float(work: Work, node: WorkNode) -> bool:
    if node.domain or work.dtype(node.output) != FLOAT:
        return False
    for slot in (0, 1):
        cast = work.made_by(node.inputs[slot], "Cast")
        scales = work.made_by(node.inputs[1 - slot], "Mul")
        if cast is None or scales is None or not work.single(cast) or not work.single(scales):
            continue
        product = work.made_by(cast.inputs[0], "MatMulInteger")
        if product is None or not work.single(product):
            continue
        nodes = [product, cast, scales, node]
        behind = work.next(node, "Add")
        bias = None if behind is None else other(behind, node.output)
        bias = bias if bias is not None and work.constant(bias) is not None else None
        bias = bias if bias is not None and work.rank(bias) == 1 else None
        if behind is not None and bias is not None:
            nodes.append(behind)
        a_scale, b_scale = _ordered(work, product, scales)
        points = [product.input(2), product.input(3)]
        inputs = [*product.inputs[:2], a_scale, b_scale, *points, bias or ""]
        while not inputs[-1]:
            inputs.pop()
        outputs = nodes[-1].outputs
        work.replace(nodes, "MatMulIntegerToFloat", inputs, outputs, domain=MS, name=product.name)
        return True
    return False


def _ordered(work: Work, product: WorkNode, scales: WorkNode) -> tuple[str, str]:
    """The scales of A and of B: A's comes from what made A."""
    maker = work.maker(product.inputs[0])
    first, second = scales.inputs
    if maker is not None and second in maker.outputs:
        return second, first
    return first, second


def _dynamic(work: Work, node: WorkNode) -> bool:
    quantiser = work.made_by(node.inputs[0], "DynamicQuantizeLinear")
    if quantiser is None or node.domain != MS or work.gives_output(quantiser):
        return False
    shared = [r for o in quantiser.outputs for r in work.readers(o) if r is not node]
    if shared:
        work.decline(
            "DynamicQuantizeMatMulFusion",
            (quantiser, node),
            f"what {called(quantiser)} makes is read by {listed(shared)} too",
            f"give {called(node)} a DynamicQuantizeLinear of its own",
            lambda: _own(work, quantiser),
            kind="the DynamicQuantizeLinear is read by several products",
        )
        return False
    if node.inputs[2] != quantiser.outputs[1]:
        return False
    inputs = [quantiser.inputs[0], node.inputs[1], node.inputs[3], node.input(5), node.input(6)]
    while not inputs[-1]:
        inputs.pop()
    work.replace(
        [quantiser, node], "DynamicQuantizeMatMul", inputs, node.outputs, domain=MS, name=node.name
    )
    return True


def _own(work: Work, quantiser: WorkNode) -> None:
    """Let each product of a quantiser, in its turn, quantise for itself."""
    products = list(dict.fromkeys(r for o in quantiser.outputs for r in work.readers(o)))
    if not all(_is_product(product, quantiser) for product in products):
        return
    for product in products:
        inputs = [quantiser.inputs[0], *(product.input(s) for s in (1, 3, 5, 6))]
        while not inputs[-1]:
            inputs.pop()
        outputs = product.outputs
        made = work.replace([product], "DynamicQuantizeMatMul", inputs, outputs, domain=MS)
        cover(made, quantiser)
    work.detach(quantiser)


def _is_product(node: WorkNode, quantiser: WorkNode) -> bool:
    return (node.op, node.domain) == ("MatMulIntegerToFloat", MS) and (
        node.inputs[2] == quantiser.outputs[1]
    )


TO_FLOAT = LoweringRule("MatMulIntegerToFloatFusion", ("Mul",), _to_float)
DYNAMIC = LoweringRule("DynamicQuantizeMatMulFusion", ("MatMulIntegerToFloat",), _dynamic)
