"""ocost: what an ONNX graph costs, what an optimisation really saves, and whether that is true."""

__version__ = "0.1.0"
