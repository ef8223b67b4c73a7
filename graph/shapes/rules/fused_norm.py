"""com.microsoft normalisations, with the additions and embeddings fused into them."""

from __future__ import annotations

from collections.abc import Sequence

from ... import dtypes
from ..info import Info, ShapeCall, shape_rule
from ._common import MICROSOFT, like


@shape_rule("GroupNorm", domain=MICROSOFT)
def group_norm(call: ShapeCall) -> Sequence[Info]:
    """The input's shape, in either layout."""
    return [like(call)]


@shape_rule("SkipGroupNorm", domain=MICROSOFT)
def skip_group_norm(call: ShapeCall) -> Sequence[Info]:
    """The normalised sum and the sum itself."""
    return [like(call), like(call)]


@shape_rule("SkipLayerNormalization", "SkipSimplifiedLayerNormalization", domain=MICROSOFT)
def skip_layer_norm(call: ShapeCall) -> Sequence[Info]:
    """The normalised sum, mean and 1 / deviation of each row, and the sum itself."""
    *outer, _ = call.shape(0)
    row = Info(dtypes.FLOAT, (*outer, 1))
    return [like(call), row, row, like(call)]


@shape_rule("EmbedLayerNormalization", domain=MICROSOFT)
def embed_layer_norm(call: ShapeCall) -> Sequence[Info]:
    """Ids [batch, sequence] and a word table [words, hidden]: output, mask index, sum."""
    embedded = Info(call.input(2).dtype, (*call.shape(0), call.shape(2)[1]))
    return [embedded, _mask_index(call), embedded]


@shape_rule("QEmbedLayerNormalization", domain=MICROSOFT)
def q_embed_layer_norm(call: ShapeCall) -> Sequence[Info]:
    """The tables are quantised; the output has the type of their scales."""
    embedded = Info(call.input(8).dtype, (*call.shape(0), call.shape(2)[1]))
    return [embedded, _mask_index(call)]


def _mask_index(call: ShapeCall) -> Info:
    return Info(dtypes.INT32, call.shape(0)[:1])
