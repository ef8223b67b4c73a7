"""com.microsoft's look-ups of embeddings: of the tables, only the rows named are read."""

from __future__ import annotations

from ...graph.dtypes import UINT8
from ..kinds import KernelKind
from ..work import Call, Work, formula
from .indexing import take
from .normalisation import layer_norm_flops
from .position import table_reads
from .quantise import DEQUANTISE_FLOPS


@formula("TorchEmbedding", domain="com.microsoft", weights=(0,))
def torch_embedding(call: Call) -> Work:
    """Gather of rows of the table in slot 0."""
    return take(call)


def _packing(call: Call) -> int:
    """Elements that one stored element of the table holds."""
    return 8 // call.node.int("bits", 4) if call.input(0).dtype == UINT8 else 1


def _unpacked(call: Call, slot: int) -> int:
    return call.input(slot).size * _packing(call)


@formula("GatherBlockQuantized", domain="com.microsoft", weights=(0,), parameters=_unpacked)
def gather_block_quantized(call: Call) -> Work:
    """Gather, then DequantizeLinear (2 an output element).

    Scales and zero points (slots 2, 3) are read in proportion to the table.
    """
    table, out = call.input(0), call.output()
    touched = min(table.size, out.size // _packing(call))
    reads = {0: touched}
    for slot in (2, 3):
        if call.has_input(slot):
            reads[slot] = -(-call.input(slot).size * touched // max(table.size, 1))
    flops = DEQUANTISE_FLOPS * out.size
    return Work(KernelKind.INDEXING, flops=flops, reads=reads, dtype=out.dtype)


@formula("EmbedLayerNormalization", domain="com.microsoft", weights=(2, 3, 4, 5, 6))
def embed_layer_normalization(call: Call) -> Work:
    """The sum of word, position and perhaps segment embeddings (slots 2 to 4), normalised.

    An output element: an addition for each table after the first, LayerNormalization with scale
    and bias. An element of the mask (slot 7): one addition.
    """
    out = call.output()
    tables = [slot for slot in (2, 3, 4) if call.has_input(slot)]
    tokens = call.input(0).size
    # Without ids of their own, positions are the same for every batch entry.
    shared = out.shape[1] if not _has_position_ids(call) else call.input(8).size
    reads = {**table_reads(call, tables, tokens), **table_reads(call, (3,), shared)}
    flops = layer_norm_flops(out.size, tokens, scale=True, bias=True)
    flops += (len(tables) - 1) * out.size + (call.input(7).size if call.has_input(7) else 0)
    return Work(KernelKind.NORMALISATION, flops=flops, reads=reads, dtype=out.dtype)


def _has_position_ids(call: Call) -> bool:
    """The quantised twin has a scale in that slot."""
    return call.node.op_type == "EmbedLayerNormalization" and call.has_input(8)


@formula("QEmbedLayerNormalization", domain="com.microsoft", weights=(2, 3, 4, 5, 6))
def quantised_embed_layer_normalization(call: Call) -> Work:
    """EmbedLayerNormalization of 8-bit tables: all that is read of them is dequantised."""
    work = embed_layer_normalization(call)
    looked_up = sum(call.has_input(slot) for slot in (2, 3, 4)) * call.output().size
    affine = call.input(5).size + call.input(6).size
    return work._replace(flops=work.flops + DEQUANTISE_FLOPS * (looked_up + affine))
