"""ONNX element types: their widths in bits and their names."""

from __future__ import annotations

from onnx import TensorProto

UNDEFINED: int = TensorProto.UNDEFINED
FLOAT: int = TensorProto.FLOAT
DOUBLE: int = TensorProto.DOUBLE
FLOAT16: int = TensorProto.FLOAT16
BFLOAT16: int = TensorProto.BFLOAT16
INT8: int = TensorProto.INT8
UINT8: int = TensorProto.UINT8
INT32: int = TensorProto.INT32
INT64: int = TensorProto.INT64
BOOL: int = TensorProto.BOOL
STRING: int = TensorProto.STRING

_NAMES: dict[int, str] = {number: name.lower() for name, number in TensorProto.DataType.items()}
_NAMES[FLOAT], _NAMES[DOUBLE] = "float32", "float64"


def _width(name: str) -> int | None:
    """Bits of an element, read off the type's own name (``float8e4m3fn`` -> 8)."""
    special = {"bool": 8, "complex64": 64, "complex128": 128, "bfloat16": 16}
    if name in special:
        return special[name]
    digits = name.removeprefix("u").removeprefix("int").removeprefix("float")
    for width in (64, 32, 16, 8, 6, 4, 2):
        if digits.startswith(str(width)):
            return width
    return None


_BITS: dict[int, int] = {
    number: width for number, name in _NAMES.items() if (width := _width(name)) is not None
}
_FLOATS = frozenset(
    number for number, name in _NAMES.items() if name.startswith(("float", "bfloat"))
)
_QUANTISED = frozenset(
    number
    for number, name in _NAMES.items()
    if name in ("int8", "uint8", "int4", "uint4", "int2", "uint2")
)


def bits(dtype: int) -> int | None:
    """Bits that one element takes, or None where that is not fixed (strings, undefined)."""
    return _BITS.get(dtype)


def nbytes(dtype: int, elements: int) -> int | None:
    """Bytes that ``elements`` elements take; sub-byte types are packed and rounded up."""
    width = _BITS.get(dtype)
    return None if width is None else (elements * width + 7) // 8


def name(dtype: int) -> str:
    """The type's name as numpy spells it (``float32``, ``int4``, ``bfloat16``)."""
    return _NAMES.get(dtype, f"dtype {dtype}")


def is_float(dtype: int) -> bool:
    """Whether this is a floating point type, 8-bit and 4-bit ones included."""
    return dtype in _FLOATS


def is_quantised(dtype: int) -> bool:
    """Whether this is an integer type of at most 8 bits, as quantised tensors have."""
    return dtype in _QUANTISED
