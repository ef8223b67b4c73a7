"""The IR of an ONNX model: in and out, nodes and edges, constants.

Shapes are inferred by ``ocost.graph.shapes``.
"""

from .errors import DataError, OcostError
from .graph import Graph
from .load import from_proto, load
from .node import Node
from .save import graph_sha256, save, to_proto
from .tensor import Tensor
from .verify import verify

__all__ = [
    "DataError",
    "Graph",
    "Node",
    "OcostError",
    "Tensor",
    "from_proto",
    "graph_sha256",
    "load",
    "save",
    "to_proto",
    "verify",
]
