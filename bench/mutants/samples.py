"""Models to put edits into, each with inputs that it takes."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
from onnx import ModelProto, helper, numpy_helper

from ocost.graph import load, to_proto
from ocost.models import samples
from ocost.models.inputs import KEY, InputHint, input_hints

from .judge import Feeds
from .view import Array, graphs

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
# Those of few weights, with the pixels that they take; the others are of the same kinds.
LIGHT_MODELS = {"squeezenet": 64, "shufflenet": 224, "densenet121": 64}
_PIXELS = 64
Range = tuple[float, float]


@dataclass(frozen=True)
class Sample:
    """A model, and how its inputs are drawn.

    Parameters
    ----------
    name
        Of the model.
    make
        Makes it, with its weights.
    ranges
        Of integers, the end excluded, and of floats that are not just normal.
    choices
        Contents of an input of one element, or all elements, one of which is drawn.
    sizes
        Of open dims by symbol; one set is drawn.
    """

    name: str
    make: Callable[[], ModelProto]
    ranges: Mapping[str, Range] = field(default_factory=dict)
    choices: Mapping[str, Sequence[object]] = field(default_factory=dict)
    sizes: Sequence[Mapping[str, int]] = ({},)

    def draws(self, model: ModelProto, count: int, seed: int) -> list[Feeds]:
        """Inputs of its own for the judge; sizes and scales change from one to the next."""
        generator = np.random.default_rng([seed, zlib.crc32(self.name.encode())])
        return [self._draw(model, number, generator) for number in range(count)]

    def _draw(self, model: ModelProto, number: int, generator: np.random.Generator) -> Feeds:
        hints = input_hints(model)
        weights = {tensor.name for tensor in model.graph.initializer}
        sizes = self.sizes[number % len(self.sizes)]
        feeds = {}
        for value in model.graph.input:
            if value.name not in weights:
                hint = hints.get(value.name)
                feeds[value.name] = self._contents(value, sizes, hint, number, generator)
        return feeds

    def _contents(
        self,
        value: onnx.ValueInfoProto,
        sizes: Mapping[str, int],
        hint: InputHint | None,
        number: int,
        generator: np.random.Generator,
    ) -> Array:
        name, kind = value.name, value.type.tensor_type
        own = [d.dim_value or sizes.get(f"{name}[{at}]", sizes.get(d.dim_param, 0))
               for at, d in enumerate(kind.shape.dim)]  # fmt: skip
        shape = tuple(own) if all(own) or hint is None else hint.shape
        dtype = helper.tensor_dtype_to_np_dtype(kind.elem_type)
        if name in self.choices:
            some = self.choices[name]
            picked = generator.integers(len(some), size=shape)
            return np.array([some[int(at)] for at in picked.ravel()], dtype).reshape(shape)
        if name not in self.ranges and hint is not None:
            if dtype.kind in "iu" or hint.low is not None:
                return hint.draw(generator).astype(dtype)
        elif name in self.ranges and dtype.kind == "f":
            return generator.uniform(*self.ranges[name], shape).astype(dtype)
        if dtype.kind in "iub":
            return self._whole(name, shape, dtype, generator)
        drawn = generator.standard_normal(shape) * (1.0, 0.3, 3.0, 1.0)[number % 4]
        if number % 4 == 3:  # ties, zeros
            drawn = np.round(drawn)
        if hint is not None:
            drawn = drawn * hint.std + hint.mean
        return drawn.astype(dtype)

    def _whole(
        self, name: str, shape: Sequence[int], dtype: np.dtype, generator: np.random.Generator
    ) -> Array:
        """Integers in the range that is given, else up to 100; booleans of both kinds."""
        if dtype.kind == "b":
            return generator.integers(0, 2, shape).astype(dtype)
        limits = np.iinfo(dtype)
        low, high = self.ranges.get(name, (max(limits.min, -100), min(limits.max, 100) + 1))
        return generator.integers(int(low), int(high), shape).astype(dtype)


def text(source: str) -> Callable[[], ModelProto]:
    """A model out of onnx's textual form, its constants without contents filled at random."""

    def make() -> ModelProto:
        model = onnx.parser.parse_model(source)
        seed = zlib.crc32("".join(source.split()).encode())
        generator = np.random.default_rng(seed)
        made = {name for graph in graphs(model.graph) for n in graph.node for name in n.output}
        kept = []
        for value in model.graph.value_info:
            if value.name in made:
                kept.append(value)
                continue
            dims = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
            dtype = helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
            contents = _weights(value.name, dims, dtype, generator)
            model.graph.initializer.append(numpy_helper.from_array(contents, value.name))
        del model.graph.value_info[:]
        model.graph.value_info.extend(kept)
        return model

    return make


def _weights(
    name: str, dims: Sequence[int], dtype: np.dtype, generator: np.random.Generator
) -> Array:
    """Variances and scales are positive; a product of weights keeps the size of its input."""
    if dtype.kind in "iu":
        return generator.integers(-100 if dtype.kind == "i" else 0, 101, dims).astype(dtype)
    drawn = generator.standard_normal(dims)
    if name.startswith(("var", "scale")):
        return np.exp(0.3 * drawn).astype(dtype)
    inputs = np.prod(dims[1:]) if len(dims) > 2 else dims[0]
    return np.asarray(drawn / np.sqrt(max(inputs, 1) if len(dims) > 1 else 2), dtype)


def bundled(name: str, pixels: int = 0) -> Callable[[], ModelProto]:
    """A sample of ocost's own, or the model in a file; for fewer pixels if so many are given."""

    def make() -> ModelProto:
        model = to_proto(load(name), "filled")
        return smaller(model, pixels) if pixels else model

    return make


def light(name: str, pixels: int) -> Callable[[], ModelProto]:
    """One of onnx's models without weights, filled."""

    def make() -> ModelProto:
        model = onnx.load(LIGHT / f"light_{name}.onnx")
        shapes = {tensor.name: tensor for tensor in model.graph.initializer}
        generator, fed = np.random.default_rng(0), set()
        kept = []
        for node in model.graph.node:
            if node.op_type != "ConstantOfShape":
                kept.append(node)
                continue
            fed.add(node.input[0])
            dims = numpy_helper.to_array(shapes[node.input[0]]).tolist()
            scale = {1: 0.1}.get(len(dims), np.sqrt(2 / max(1, np.prod(dims[1:]))))
            drawn = generator.standard_normal(dims) * scale
            if len(dims) == 1:  # also a variance or a scale, for which it has to be positive
                drawn = 0.5 + np.abs(drawn)
            weight = numpy_helper.from_array(drawn.astype(np.float32), node.output[0])
            model.graph.initializer.append(weight)
        del model.graph.node[:]
        model.graph.node.extend(kept)
        rest = [tensor for tensor in model.graph.initializer if tensor.name not in fed]
        names = {tensor.name for tensor in rest}
        inputs = [v for v in model.graph.input if v.name not in fed | names]
        for items, wanted in ((model.graph.initializer, rest), (model.graph.input, inputs)):
            del items[:]
            items.extend(wanted)
        model.ir_version = 8
        return smaller(model, pixels)

    return make


def smaller(model: ModelProto, pixels: int) -> ModelProto:
    """For images of so many pixels a side."""
    made = ModelProto()
    made.CopyFrom(model)
    del made.graph.value_info[:]
    for value in made.graph.output:
        value.type.tensor_type.ClearField("shape")
    for dim in made.graph.input[0].type.tensor_type.shape.dim[2:]:
        dim.dim_value = pixels
    kept = [p for p in made.metadata_props if p.key != KEY]
    del made.metadata_props[:]
    made.metadata_props.extend(kept)
    return made


_DECODER = [
    {"batch": b, "seq": s, "past_seq": p, "total": s + p} for b, s, p in [(1, 1, 5), (2, 3, 2)]
]


def whole() -> Iterator[Sample]:
    """Networks: ocost's samples, and those of onnx's light models that have few weights."""
    for one in samples():
        if one.name == "gpt2_4l":
            ranges = {"input_ids": (0, 16000), "attention_mask": (0, 2)}
            yield Sample(one.name, bundled("@gpt2_4l"), ranges, sizes=_DECODER)
        elif one.name == "silero_vad":
            yield Sample(one.name, bundled("@silero_vad"), choices={"sr": (16000,)})
        else:
            pixels = 0 if one.name == "shufflenet_v2" else _PIXELS  # it has its sizes in it
            yield Sample(one.name, bundled(f"@{one.name}", pixels))
    for name, pixels in LIGHT_MODELS.items():
        yield Sample(f"light_{name}", light(name, pixels))


def every(files: Sequence[Path] = ()) -> list[Sample]:
    """All models: small ones, networks, and those in files."""
    from . import models_control, models_networks, models_operators

    small = [*models_networks.SAMPLES, *models_control.SAMPLES, *models_operators.SAMPLES]
    return [*small, *whole(), *(Sample(file.stem, bundled(str(file))) for file in files)]
