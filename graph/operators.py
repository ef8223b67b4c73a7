"""Sets of ONNX operators that several rooms speak of; all are of the standard domain."""

from __future__ import annotations

COMMUTATIVE = frozenset({"Add", "Mul", "And", "Or", "Xor", "Equal", "Max", "Min", "Sum"})
"""Whose inputs may change places."""

VIEWS = frozenset({"Reshape", "Squeeze", "Unsqueeze", "Flatten"})
"""That give the same elements in the same order another shape."""

LINEAR = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
"""Sums of products with weights."""
