"""Operators without a cost formula, and why none can be given."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_SEQUENCE = "works on a sequence, whose length and members' shapes the graph does not state"
_STRING = "works on strings, whose lengths the graph does not state"

EXEMPT: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("", "SequenceAt"): _SEQUENCE,
        ("", "SequenceMap"): _SEQUENCE,
        ("", "SequenceConstruct"): _SEQUENCE,
        ("", "SequenceEmpty"): _SEQUENCE,
        ("", "SequenceErase"): _SEQUENCE,
        ("", "SequenceInsert"): _SEQUENCE,
        ("", "SequenceLength"): _SEQUENCE,
        ("", "SplitToSequence"): _SEQUENCE,
        ("", "ConcatFromSequence"): _SEQUENCE,
        ("", "Optional"): "makes an optional, whose contents the graph does not state",
        ("", "RegexFullMatch"): _STRING,
        ("", "StringConcat"): _STRING,
        ("", "StringNormalizer"): _STRING,
        ("", "StringSplit"): _STRING,
        ("", "ImageDecoder"): "decodes a compressed image, whose size is in its data",
        ("ai.onnx.preview.training", "Gradient"): (
            "stands for a backward graph that the model does not contain"
        ),
    }
)
