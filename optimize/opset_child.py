"""onnx's version converter in a process of its own, since its C++ may end it.

Run as a file: ``VERSION`` is its argument, a model comes from the standard input. To the standard
output goes 1 and the converted model, or 0 and why it is refused.
"""

from __future__ import annotations

import os
import re
import sys

from onnx import ModelProto, NodeProto, version_converter

# Where in its sources, and which condition: of no use to who only has a model.
_PLACE = re.compile(r"^.*?Assertion `.*?` failed:\s*", re.DOTALL)


def convert(model: ModelProto, version: int) -> tuple[bool, bytes]:
    """The converted model, or why it is refused: the first node that is, and the reason."""
    try:
        return True, version_converter.convert_version(model, version).SerializeToString()
    except Exception as error:  # the converter raises RuntimeError and others; each is an answer
        return False, _refusal(model, version, error).encode()


def _refusal(model: ModelProto, version: int, error: Exception) -> str:
    """What stands in the way, found by halving: no node here reads what another one makes."""
    nodes = list(model.graph.node)
    while len(nodes) > 1:
        half = nodes[: len(nodes) // 2]
        found = _tried(model, half, version)
        nodes, error = (half, found) if found else (nodes[len(half) :], error)
    error = _tried(model, nodes, version) or error
    reason = " ".join(_PLACE.sub("", str(error)).split()).rstrip(".")
    return f"{nodes[0].op_type} '{nodes[0].doc_string}': {reason}"


def _tried(model: ModelProto, nodes: list[NodeProto], version: int) -> Exception | None:
    part = ModelProto()
    part.CopyFrom(model)
    del part.graph.node[:]
    part.graph.node.extend(nodes)
    made = {name for node in nodes for name in node.output}
    kept = [value for value in model.graph.output if value.name in made]
    del part.graph.output[:]
    part.graph.output.extend(kept)
    try:
        version_converter.convert_version(part, version)
    except Exception as error:  # likewise
        return error
    return None


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    fine, found = convert(ModelProto.FromString(sys.stdin.buffer.read()), int(sys.argv[1]))
    answers.write(bytes([fine]) + found)
    answers.close()
