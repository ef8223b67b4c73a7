"""The contents of a model's inputs, made when they are asked for."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TypeProto, helper

from ...graph import Graph, OcostError, Tensor, dtypes
from ...graph.shapes import Given, Shapes, infer
from ...models.inputs import KEY, InputHint, input_hints
from .constants import Constants
from .fitting import Contents, choices
from .floats import floats
from .integers import booleans, integers
from .modes import PLAIN, Mode, Style
from .rivals import Rival, rivals
from .roles import Interval, accepted, allowed, divides
from .texts import texts

_DELAYS = 4  # more inputs meet the edges together again

Array = npt.NDArray[Any]
Value = Any  # an array; a list, a dict or None where the model wants a sequence, a map, an optional
Feeds = Mapping[str, Value]


@dataclass(frozen=True)
class Input:
    """An input at one size, with what its readers demand.

    Parameters
    ----------
    name, type
        As the model declares it.
    shape
        Of the tensor, or of each tensor in a sequence or optional.
    place
        Among the flags.
    delay
        By how many places it meets the edges later than another input does.
    plain, accepted
        The values with which the model does what it is for, and with which it runs.
    divides
        Whether it is a divisor.
    choices
        The contents of which one has to be taken, where it decides a shape.
    fixed
        The contents that the user gave.
    hint
        What the model's metadata suggest.
    rivals
        What its elements are compared with.
    """

    name: str
    type: TypeProto
    shape: tuple[int, ...]
    place: int
    delay: int = 0
    plain: Interval | None = None
    accepted: Interval | None = None
    divides: bool = False
    choices: tuple[Contents, ...] = ()
    fixed: Array | None = None
    hint: InputHint | None = None
    rivals: tuple[Rival, ...] = ()

    @cached_property
    def kind(self) -> str:
        """``float``, ``bool``, ``int``, ``text``, ``complex``; of what a container holds."""
        dtype = tensor_type(self.type).elem_type
        if dtype == dtypes.STRING:
            return "text"
        if dtype == dtypes.BOOL:
            return "bool"
        name = dtypes.name(dtype)
        return "float" if dtypes.is_float(dtype) else "complex" if "complex" in name else "int"

    @property
    def mask(self) -> bool:
        """Whether it says what passes: by its type or its name."""
        return self.kind == "bool" or (self.kind != "text" and "mask" in self.name.lower())

    @property
    def nbytes(self) -> int:
        """Bytes of the tensor; of strings a guess."""
        return int(np.prod(self.shape, dtype=object)) * numpy_type(self.type).itemsize

    def contents(self, mode: Mode, seed: int, known: Constants) -> Value:
        """The contents of a mode, the same for the same seed."""
        generator = np.random.default_rng([seed, zlib.crc32(self.name.encode())])
        try:
            return self._value(self.type, mode, generator, known)
        except (MemoryError, ValueError) as error:  # numpy's, of arrays that are too large
            size = "x".join(map(str, self.shape))
            raise OcostError(
                f"input '{self.name}' can't be made as large as {size}; "
                "give a smaller --shape or --dim"
            ) from error

    def _value(
        self, type_: TypeProto, mode: Mode, generator: np.random.Generator, known: Constants
    ) -> Value:
        kind = type_.WhichOneof("value")
        if kind == "sequence_type":
            inner = type_.sequence_type.elem_type
            length = 3 if mode.style is Style.SPREAD else 2
            return [self._value(inner, mode, generator, known) for _ in range(length)]
        if kind == "optional_type":
            if mode.style is Style.TIES:
                return None
            return self._value(type_.optional_type.elem_type, mode, generator, known)
        if kind == "map_type":
            keys = self._keys(type_, mode, generator, known)
            held = replace(self, type=type_.map_type.value_type, shape=(len(keys),))
            values = held._tensor(mode, generator, known)
            return dict(zip(keys, values.tolist(), strict=True))
        return self._tensor(mode, generator, known)

    def _keys(
        self, type_: TypeProto, mode: Mode, generator: np.random.Generator, known: Constants
    ) -> list[Any]:
        if type_.map_type.key_type == dtypes.STRING:
            drawn = texts((4,), mode, generator, known.texts)
        else:
            drawn = integers(np.dtype(np.int64), (4,), mode, None, None, generator, known.numbers)
        return list(dict.fromkeys(drawn.tolist()))

    def _tensor(self, mode: Mode, generator: np.random.Generator, known: Constants) -> Array:
        dtype = numpy_type(self.type)
        if self.fixed is not None:
            return self.fixed
        if mode.style is Style.FILL and isinstance(mode.value, str) != (self.kind == "text"):
            mode = Mode(Style.SPREAD)
        if mode.style is Style.PLAIN and self.hint is not None:
            drawn = self._hinted(self.hint, generator)
            if drawn is not None:
                return drawn.astype(dtype)
        if mode.style is Style.CHOICE and self.choices:
            chosen = self.choices[mode.turn % len(self.choices)]
            return np.array(chosen, np.int64).astype(dtype).reshape(self.shape)
        if mode.style is Style.LIMITS:
            return self._at_limits(dtype, mode.turn)
        return self._drawn(dtype, mode, generator, known)

    def _at_limits(self, dtype: np.dtype[Any], turn: int) -> Array:
        made = self.rivals[turn // 2 % len(self.rivals)].contents(self.shape, turn)
        limits = self._wide()
        if limits is not None:
            made = np.clip(made, limits.low, limits.high)
        return made.astype(dtype)

    def _drawn(
        self, dtype: np.dtype[Any], mode: Mode, generator: np.random.Generator, known: Constants
    ) -> Array:
        first = zlib.crc32(self.name.encode()) % max(1, len(known.numbers))
        numbers = (*known.numbers[first:], *known.numbers[:first])  # not the same for all inputs
        limits = self._usual(), self._wide()
        match self.kind:
            case "text":
                return texts(self.shape, mode, generator, known.texts)
            case "bool":
                return booleans(self.shape, mode, self.plain, generator, self.place)
            case "int":
                made = integers(dtype, self.shape, mode, *limits, generator, numbers, self.delay)
                return (
                    np.where(made == 0, made + made.dtype.type(1), made) if self.divides else made
                )
            case "complex":
                part = np.dtype(np.float64)
                real, imaginary = (
                    floats(part, self.shape, mode, *limits, generator, numbers) for _ in range(2)
                )
                return (real + 1j * imaginary).astype(dtype)
        return floats(dtype, self.shape, mode, *limits, generator, numbers, self.delay)

    def _usual(self) -> Interval | None:
        """The limits of plain values: bytes fill their range, masks let everything pass."""
        if self.plain is not None:
            return self.plain
        if self.mask:
            return Interval(1, 1)
        if tensor_type(self.type).elem_type in (dtypes.INT8, dtypes.UINT8):
            info = np.iinfo(numpy_type(self.type))
            return Interval(int(info.min), int(info.max))
        return None

    def _wide(self) -> Interval | None:
        """The limits of any values: an integer mask is 0 or 1."""
        if self.accepted is None and self.mask and self.kind == "int":
            return Interval(0, 1)
        return self.accepted

    def _hinted(self, hint: InputHint, generator: np.random.Generator) -> Array | None:
        if hint.shape != self.shape and isinstance(hint.value, list):
            return None
        try:
            return hint._replace(shape=self.shape).draw(generator)
        except (ValueError, TypeError) as error:
            raise OcostError(
                f"the model's {KEY} metadata are broken at {self.name!r}: {error}"
            ) from error


def tensor_type(type_: TypeProto) -> TypeProto.Tensor:
    """The type of a tensor, or of those that a container holds."""
    kind = type_.WhichOneof("value")
    if kind == "sequence_type":
        return tensor_type(type_.sequence_type.elem_type)
    if kind == "optional_type":
        return tensor_type(type_.optional_type.elem_type)
    if kind == "map_type":
        return tensor_type(type_.map_type.value_type)
    return type_.tensor_type


def numpy_type(type_: TypeProto) -> np.dtype[Any]:
    """What numpy, with ml_dtypes, holds the elements in."""
    return np.dtype(helper.tensor_dtype_to_np_dtype(tensor_type(type_).elem_type))


@dataclass(frozen=True)
class Setting:
    """A model's inputs at one choice of sizes."""

    inputs: tuple[Input, ...]
    text: str = ""  # for people, "" at the sizes that the model declares
    known: Constants = field(default_factory=Constants)

    @classmethod
    def of(
        cls,
        graph: Graph,
        given: Given,
        sizes: Mapping[str, tuple[int, ...]],
        known: Constants,
        text: str = "",
    ) -> Setting:
        """The inputs at these sizes, with contents that the user gave where they still fit.

        Raises
        ------
        OcostError
            If the sizes contradict the model.
        """
        tensors = {n: s for n, s in sizes.items() if graph.declared[n].type.HasField("tensor_type")}
        values = {n: v for n, v in given.values.items() if not v.ndim or v.shape == sizes.get(n)}
        shapes = infer(graph, Given(tensors, {}, values))
        return cls(inputs_of(shapes, sizes, values.keys()), text, known)


def inputs_of(
    shapes: Shapes, sizes: Mapping[str, tuple[int, ...]], fixed: Collection[str]
) -> tuple[Input, ...]:
    """The inputs of a graph that must be fed, at these sizes."""
    graph = shapes.graph
    hints = input_hints(graph.header.skeleton)
    made: list[Input] = []
    place = 0
    for name in required(graph):
        info = shapes.get(name)
        limits = accepted(shapes, name)
        if (
            limits is None
            and "mask" in name.lower()
            and info is not None
            and not dtypes.is_float(info.dtype)
        ):
            limits = Interval(0, 1)
        size = int(np.prod(sizes[name], dtype=object))
        made.append(
            Input(
                name,
                graph.declared[name].type,
                sizes[name],
                place,
                len(made) % _DELAYS,
                allowed(shapes, name),
                accepted(shapes, name),
                divides(shapes, name),
                choices(shapes, name, size) if size <= 8 else (),
                info.value if info is not None and name in fixed else None,
                hints.get(name),
                rivals(shapes, name),
            )
        )
        place += made[-1].kind == "bool"
    return tuple(made)


def required(graph: Graph) -> list[str]:
    """The inputs that a caller has to feed."""
    return [name for name in graph.inputs if name not in graph.initializers]


@dataclass(frozen=True)
class Draw:
    """Inputs of a model, made when they are asked for: they may be gigabytes.

    Parameters
    ----------
    what
        For people: "scale 30, mask all 0, sizes H=64".
    special
        Whether there are NaN or infinities among them.
    setting, modes, seed
        What is drawn; an input without a mode is plain.
    fixed
        Contents that are there already: the user's.
    overridden
        Initializers that get other contents, where they are a caller's to override.
    """

    what: str
    special: bool
    setting: Setting
    modes: Mapping[str, Mode] = field(default_factory=dict)
    seed: int = 0
    fixed: Feeds = field(default_factory=dict)
    overridden: tuple[Tensor, ...] = ()

    def feeds(self) -> dict[str, Value]:
        """The contents by input, the same every time.

        Raises
        ------
        OcostError
            If one does not fit into memory.
        """
        made = {
            i.name: i.contents(self.modes.get(i.name, PLAIN), self.seed, self.setting.known)
            for i in self.setting.inputs
            if i.name not in self.fixed
        }
        made |= {tensor.name: _other(tensor, self.seed) for tensor in self.overridden}
        return made | dict(self.fixed)


def _other(tensor: Tensor, seed: int) -> Array:
    """Other contents for an initializer, near its own."""
    own = np.asarray(tensor.data())
    generator = np.random.default_rng([seed, zlib.crc32(tensor.name.encode())])
    if tensor.dtype == dtypes.BOOL:
        return ~own
    if not dtypes.is_float(tensor.dtype):
        return own + np.ones((), own.dtype)
    factors = generator.uniform(0.75, 1.25, own.shape)
    return np.where(own == 0, factors - 0.75, own * factors).astype(own.dtype)
