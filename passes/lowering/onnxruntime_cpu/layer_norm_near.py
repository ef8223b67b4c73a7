"""LayerNormalization written out in another way than the runtime knows, from its Sqrt.

The mean of squares, plus a constant, under the root; x or its distance from the mean divided by
that, or multiplied by its reciprocal; then maybe a scale and a bias.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ....graph.dtypes import FLOAT, FLOAT16
from ..near import called, listed
from ..node import WorkNode
from ..work import Work
from .conditions import other

Flaw = tuple[str, str, str]  # kind, reason, fix


@dataclass
class _Form:
    """A normalisation as far as it is found; ``last`` makes what it answers."""

    nodes: list[WorkNode]
    x: str
    centred: bool
    last: WorkNode
    flaws: list[Flaw] = field(default_factory=list)
    scale: str = ""
    bias: str = ""


def tell(work: Work, rule: str, sqrt: WorkNode, *, centred: bool) -> bool:
    """Tell why a normalisation is none to the runtime; whether it was mended, and is one now."""
    form = None if sqrt.domain else _form(work, sqrt)
    if form is None or form.centred is not centred or not form.flaws:
        return False
    inside = {n.index for n in form.nodes}
    for node in form.nodes:
        readers = [r for o in node.outputs for r in work.readers(o)]
        if node is not form.last and any(r.index not in inside for r in readers):
            return False
        if node is not form.last and work.gives_output(node):
            return False
    kinds, reasons, fixes = zip(*form.flaws, strict=True)
    return work.decline(
        rule,
        form.nodes,
        "; ".join(reasons),
        "; ".join(fixes),
        lambda: _mend(work, form),
        kind="; ".join(kinds),
    )


def _mend(work: Work, form: _Form) -> None:
    dims, dtype = work.dims(form.x), work.dtype(form.x)
    width = dims[-1] if dims and type(dims[-1]) is int else 1
    parts = [form.scale, form.bias] if form.centred else [form.scale]
    inputs = [form.x, *(t or work.store("ones", dtype, (width,)) for t in parts)]
    op = "LayerNormalization" if form.centred else "SimplifiedLayerNormalization"
    work.replace(form.nodes, op, inputs, form.last.outputs, name=op, attributes={"axis": -1})


def _form(work: Work, sqrt: WorkNode) -> _Form | None:
    flaws: list[Flaw] = []
    nodes = _root(work, sqrt, flaws)
    quotient = None if nodes is None else _quotient(work, sqrt, nodes, flaws)
    if nodes is None or quotient is None:
        return None
    casts = [node for node in nodes if node.op == "Cast"]
    base, (divided, last) = nodes[0].inputs[0], quotient
    sub, twin = work.made_by(base, "Sub"), work.made_by(divided, "Sub")
    form = _Form(nodes, base, False, last, flaws)
    if sub is not None and twin is not None and sub.inputs == twin.inputs:
        centre = work.made_by(sub.inputs[1], "ReduceMean")
        if centre is None or centre.inputs[0] != sub.inputs[0] or not _last_axis(work, centre):
            return None
        form.nodes[:0] = [centre, *([sub] if sub is twin else [sub, twin])]
        form.x, form.centred = sub.inputs[0], True
    elif divided != base:
        return None
    if work.dtype(form.x) not in (FLOAT, FLOAT16) or work.next(last, "Cast") is not None:
        return None  # behind a Cast scale and bias are of another type
    if casts and (work.dtype(form.x) != FLOAT or not form.centred):
        return None
    if form.centred and work.dtype(form.x) == FLOAT16 and work.opset.get("", 1) < _ONNX:
        flaws.append(
            (
                "LayerNormalization of 16 bit floats below opset 17",
                f"opset {work.opset.get('', 1)} has no LayerNormalization, and the provider no "
                "kernels of 16 bits for what it is written as",
                "convert the model to opset 17",
            )
        )
    _affine(work, form)
    return form


_ONNX = 17


def _root(work: Work, sqrt: WorkNode, flaws: list[Flaw]) -> list[WorkNode] | None:
    """The nodes that make the root, from the square on."""
    add = work.made_by(sqrt.inputs[0], "Add")
    mean, back = None, None
    for slot in (0, 1) if add is not None else ():
        assert add is not None
        if work.number(add.inputs[1 - slot]) is not None:
            back = work.made_by(add.inputs[slot], "Cast")
            mean = work.made_by(add.inputs[slot] if back is None else back.inputs[0], "ReduceMean")
    square = None if mean is None else work.made_by(mean.inputs[0], "Pow", "Mul")
    if add is None or mean is None or square is None or not _last_axis(work, mean):
        return None
    cast = work.made_by(square.inputs[0], "Cast")
    casts = [c for c in (cast, back) if c is not None]
    if casts:
        flaws.append(
            (
                "a Cast stands inside a norm that is written out",
                f"{listed(casts)} change the type inside the norm",
                f"take {listed(casts)} out, so that all of it computes in one type",
            )
        )
    if square.op == "Mul":
        if square.inputs[0] != square.inputs[1]:
            return None
        flaws.append(
            (
                "a norm that is written out squares by a Mul",
                f"{called(square)} squares by a Mul, and the runtime looks for a Pow",
                f"write {called(square)} as a Pow by 2",
            )
        )
    elif work.number(square.inputs[1]) != 2:
        return None
    return [
        *([] if cast is None else [cast]),
        square,
        mean,
        *([] if back is None else [back]),
        add,
        sqrt,
    ]


def _quotient(
    work: Work, sqrt: WorkNode, nodes: list[WorkNode], flaws: list[Flaw]
) -> tuple[str, WorkNode] | None:
    """What is divided by a root, and the node that makes the quotient."""
    div = work.next(sqrt, "Div", "Reciprocal")
    if div is None:
        return None
    nodes.append(div)
    if div.op == "Div" and div.inputs[1] == sqrt.output and work.number(div.inputs[0]) is None:
        return div.inputs[0], div
    if div.op == "Div" and (div.inputs[1] != sqrt.output or work.number(div.inputs[0]) != 1):
        return None
    mul = work.next(div, "Mul")
    divided = None if mul is None else other(mul, div.output)
    if mul is None or divided is None:
        return None
    nodes.append(mul)
    flaws.append(
        (
            "a norm that is written out multiplies by a reciprocal",
            f"{called(mul)} multiplies by the reciprocal that {called(div)} makes, and the runtime "
            "looks for a Div by the root",
            f"divide '{divided}' by '{sqrt.output}' instead",
        )
    )
    return divided, mul


def _affine(work: Work, form: _Form) -> None:
    """Take up scale and bias, and what is wrong with them."""
    width = (work.dims(form.x) or (None,))[-1]
    for op, part in (("Mul", "scale"), ("Add", "bias"))[: 2 if form.centred else 1]:
        behind = work.next(form.last, op)
        tensor = None if behind is None else other(behind, form.last.output)
        constant = None if tensor is None else work.constant(tensor)
        fits = constant is not None and constant.shape[-1:] == (width,)
        if behind is None or tensor is None or constant is None or not fits:
            form.flaws.append(
                (
                    f"a norm that is written out has no {part}",
                    f"there is no {part} behind {called(form.last)}",
                    f"{_VERBS[op]} the result of {called(form.last)} "
                    f"{_BY[op]} a constant vector of {_NEUTRAL[op]}",
                )
            )
            if part == "scale":
                continue
            return
        if constant.size != width:
            return
        if len(constant.shape) != 1:
            form.flaws.append(
                (
                    f"the {part} of a norm that is written out is no vector",
                    f"the {part} '{tensor}' is of shape {list(constant.shape)}",
                    f"write '{tensor}' as [{width}]",
                )
            )
            tensor = work.store(tensor, constant.dtype, (constant.size,))
        setattr(form, part, tensor)
        form.nodes.append(behind)
        form.last = behind


_VERBS = {"Mul": "multiply", "Add": "add to"}
_BY = {"Mul": "by", "Add": ""}
_NEUTRAL = {"Mul": "ones", "Add": "zeros"}


def _last_axis(work: Work, mean: WorkNode) -> bool:
    from .layer_norm import last_axis  # noqa: PLC0415 - which asks this file

    return last_axis(work, mean)
