"""Every case of onnx's own backend suite: read, written back, costed or explained.

The cases come with the answers of the reference implementation, so that each shape which is
called exact is compared with a real one, and each bound has to hold.
"""

from collections import Counter
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, numpy_helper

from ocost.costmodel import cost_graph
from ocost.costmodel.catalogue import find
from ocost.graph import from_proto, load, to_proto, verify
from ocost.graph.shapes import Given, Quality, infer

DATA = Path(onnx.__file__).parent / "backend" / "test" / "data"
DEVICE = find("x86-server-core")
SMALL = 1024  # elements: contents of more decide no shape


class Case(NamedTuple):
    """A model with the contents of its inputs and the shapes of its outputs; None if no tensor."""

    name: str
    model: ModelProto
    inputs: list[np.ndarray | None]
    outputs: list[tuple[int, ...] | None]
    path: Path | None = None


def _array(value, data):
    if not value.type.HasField("tensor_type"):
        return None
    return numpy_helper.to_array(data) if isinstance(data, TensorProto) else np.asarray(data)


def _shape(value, data):
    array = _array(value, data)
    return None if array is None else array.shape


def _node_cases(collected):
    for case in collected:
        graph = case.model.graph
        inputs, outputs = case.data_sets[0]
        yield Case(
            case.name,
            case.model,
            list(map(_array, graph.input, inputs)),
            list(map(_shape, graph.output, outputs)),
        )


def _read(value, file):
    """Of a .pb file: only a graph's output tells whether it holds a tensor."""
    if not value.type.HasField("tensor_type"):
        return None
    return TensorProto.FromString(file.read_bytes())


def _folder_cases(_, group):
    for path in sorted((DATA / group).rglob("model.onnx")):
        model = onnx.load(path)
        given = {i.name for i in model.graph.initializer}
        folder = path.parent / "test_data_set_0"
        inputs = [
            None if i.name in given or not file.exists() else _array(i, _read(i, file))
            for n, i in enumerate(model.graph.input)
            for file in [folder / f"input_{n}.pb"]
        ]
        outputs = [
            _shape(o, _read(o, folder / f"output_{n}.pb")) for n, o in enumerate(model.graph.output)
        ]
        yield Case(path.parent.name, model, inputs, outputs, path)


def _light_cases(_):
    for path in sorted((DATA / "light").glob("*.onnx")):
        model = onnx.load(path)
        (output,) = model.graph.output
        shape = _shape(output, _read(output, path.with_name(f"{path.stem}_output_0.pb")))
        yield Case(path.stem, model, [None] * len(model.graph.input), [shape], path)


# How to collect a group, and how many cases it has at least.
GROUPS = {
    "node": (_node_cases, 1800),
    "simple": (partial(_folder_cases, group="simple"), 20),  # most of them work on sequences
    "pytorch-converted": (partial(_folder_cases, group="pytorch-converted"), 80),
    "pytorch-operator": (partial(_folder_cases, group="pytorch-operator"), 30),
    "light": (_light_cases, 9),
}


@pytest.fixture(scope="module", params=GROUPS)
def group(request, onnx_node_cases):
    """A group's name, its cases, and the count it must have at least."""
    make, least = GROUPS[request.param]
    return request.param, list(make(onnx_node_cases)), least


def test_it_goes_through_unchanged(group):
    _, cases, least = group
    assert len(cases) >= least
    for case in cases:
        graph = from_proto(case.model) if case.path is None else load(case.path)
        verify(graph)
        assert to_proto(graph) == case.model, case.name


def test_it_is_costed_or_explained(group, capsys):
    name, cases, _ = group
    counts = Counter()
    for case in cases:
        cost = cost_graph(from_proto(case.model), DEVICE)
        coverage = cost.coverage
        assert coverage.nodes == len(cost.nodes) == coverage.costed + len(coverage.unknown)
        assert coverage.costed == coverage.exact + coverage.assumed + coverage.bound
        for unknown in coverage.unknown:
            assert unknown.reason.strip(), (case.name, unknown.node)
            assert "\n" not in unknown.reason, (case.name, unknown.node)
        for node in cost.nodes:
            if node.known:
                figures = (node.macs, node.read_bytes, node.write_bytes, node.weight_bytes)
                assert min(figures) >= 0, (case.name, node.name)
                assert node.flops >= 2 * node.macs, (case.name, node.name)
                assert node.weight_bytes <= node.read_bytes, (case.name, node.name)
        counts["nodes"] += coverage.nodes
        counts["costed"] += coverage.costed
        counts["exact"] += coverage.exact
    assert counts["costed"] > (0.2 if name == "simple" else 0.95) * counts["nodes"]
    with capsys.disabled():
        print(
            f"\n{name}: {len(cases)} models, {counts['nodes']} nodes: {counts['costed']} costed "
            f"({counts['exact']} exactly), {counts['nodes'] - counts['costed']} explained"
        )


def _given(case):
    """The contents of the inputs where they are small, else only their shapes."""
    values, shapes = {}, {}
    for value, array in zip(case.model.graph.input, case.inputs, strict=True):
        if array is None:
            continue
        if array.size <= SMALL and array.dtype.kind in "biuf":
            values[value.name] = array
        else:
            shapes[value.name] = array.shape
    return Given(shapes=shapes, values=values)


def _compare(case, shapes, counts):
    assumed = bool(shapes.assumed) or any(q is Quality.ASSUMED for _, q in shapes.trips.values())
    for value, real in zip(case.model.graph.output, case.outputs, strict=True):
        info = shapes.get(value.name)
        if real is None:
            counts["no tensor"] += 1
            continue
        if info.resolved is None:
            counts["not known"] += 1
            assert info.reason or shapes.get(value.name).type is None, case.name
            continue
        counts[info.quality.name.lower()] += 1
        assert info.dtype == value.type.tensor_type.elem_type, case.name
        if info.quality is Quality.EXACT:
            assert info.resolved == real, case.name
        elif info.quality is Quality.BOUND and not assumed:
            assert len(info.resolved) == len(real), case.name
            assert all(map(int.__ge__, info.resolved, real)), (case.name, info.resolved, real)


@pytest.mark.parametrize("contents", ["unknown", "given"])
def test_its_shapes_are_those_of_the_real_outputs(group, contents, capsys):
    name, cases, _ = group
    counts = Counter()
    for case in cases:
        given = _given(case) if contents == "given" else None
        _compare(case, infer(from_proto(case.model), given), counts)
    if contents == "given":
        assert counts["exact"] > (0.6 if name == "simple" else 0.95) * counts.total()
    with capsys.disabled():
        listed = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
        print(f"\n{name}, contents {contents}: outputs: {listed}")
