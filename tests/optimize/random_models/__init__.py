"""Random models of operators and motifs that passes rewrite, and of near misses.

A step adds to a ``Sketch`` where that has a tensor for it, does nothing where not, and answers
what it made.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st
from onnx import ModelProto, TensorProto

from . import linear, motifs, shapes
from .sketch import ODDITIES, OPEN, OPSETS, Sketch

__all__ = ["OPEN", "models"]

STEPS: tuple[Callable[[Sketch], str], ...] = (
    *(linear.block, linear.ahead, linear.branches, linear.sequence, linear.siblings),
    *(linear.residual, linear.activation, linear.affine, linear.batchnorm),
    *(shapes.concat, shapes.split, shapes.slices, shapes.pad, shapes.pool, shapes.view),
    *(shapes.transpose, shapes.nothing, shapes.gather, shapes.shape_chain, shapes.spatial),
    *(motifs.layer_norm, motifs.gate, motifs.attention, motifs.casts, motifs.quantised),
    *(motifs.again, motifs.folded, motifs.choice),
)


@st.composite
def models(draw: st.DrawFn) -> ModelProto:
    """A model of a few steps on one or two inputs."""
    s = Sketch(draw, draw(st.sampled_from(OPSETS)), draw(st.sampled_from(ODDITIES)))
    channels, height = s.one(*linear.COUNTS), s.one(5, 1, 3, 8)
    width = s.one(channels, height, 4, 6)
    image = (channels, height, width)
    shape = (s.one(2, 1), *s.one(image, (channels, width), (channels,), image, image))
    s.input("x", TensorProto.FLOAT, shape)
    if s.rarely():
        s.input("z", TensorProto.FLOAT, shape)
    # without the same step twice, hypothesis comes to more of them
    for step in draw(st.lists(st.sampled_from(STEPS), min_size=4, max_size=9, unique=True)):
        step(s)
    return s.model(s.one((), ("batch",), ("batch", "height")))
