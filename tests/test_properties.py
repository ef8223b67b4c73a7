"""What holds of any graph, on random ones: small networks of common operators and an If."""

from dataclasses import dataclass, field
from math import prod

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, checker, helper

from ocost.costmodel import cost_graph
from ocost.costmodel.catalogue import find
from ocost.costmodel.cost import bytes_of, cost_nodes
from ocost.costmodel.memory import memory
from ocost.graph import from_proto, load, save, to_proto, verify
from ocost.graph.shapes import infer

DEVICE = find("x86-server-core")
SUMS = ("macs", "flops", "padded_flops", "read_bytes", "write_bytes", "latency_s", "latency_low_s")
moderately = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],  # machines differ
)


@dataclass
class Network:
    """A graph in the making, with the shape of each tensor and its MACs counted along."""

    draw: st.DrawFn
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)  # all tensors, bodies' too
    open: list[str] = field(default_factory=list)  # those that a next node may read
    nodes: list[NodeProto] = field(default_factory=list)
    weights: list[TensorProto] = field(default_factory=list)
    macs: int = 0

    def name(self, *shape):
        made = f"t{len(self.shapes):03}"
        self.shapes[made] = shape
        return made

    def weight(self, *dims):
        self.weights.append(
            helper.make_tensor(
                self.name(*dims), TensorProto.FLOAT, dims, b"\1" * 4 * prod(dims), raw=True
            )
        )
        return self.weights[-1].name

    def node(self, op_type, inputs, *shapes, **attributes):
        """Add a node; a third of them have no name, a third the same one."""
        outputs = [self.name(*shape) for shape in shapes]
        name = self.draw(st.sampled_from(["", "same", f"{op_type}_{len(self.nodes)}"]))
        self.nodes.append(helper.make_node(op_type, inputs, outputs, name, **attributes))
        self.open += outputs
        return outputs

    def pick(self, rank=None):
        """A tensor of those made so far, rather a late one."""
        fits = [t for t in self.open if rank in (None, len(self.shapes[t]))]
        return self.draw(st.sampled_from(fits[-4:] or fits)) if fits else None

    def pick_like(self, shape):
        return self.draw(st.sampled_from([t for t in self.open if self.shapes[t] == shape]))

    # --- operators -----------------------------------------------------------------------

    def unary(self):
        x = self.pick()
        op_type = self.draw(st.sampled_from(["Relu", "Sigmoid", "Exp", "Neg", "Identity"]))
        self.node(op_type, [x], self.shapes[x])

    def binary(self):
        x = self.pick()
        shape = self.shapes[x]
        if self.draw(st.booleans()):
            other = self.pick_like(shape)  # x itself, for one
        else:
            other = self.weight(*(shape if len(shape) == 2 else (shape[1], 1, 1)))
        self.node(self.draw(st.sampled_from(["Add", "Mul"])), [x, other], shape)

    def conv(self):
        x = self.pick(rank=4)
        if x is None:
            return
        _, channels, height, width = self.shapes[x]
        kernel = self.draw(st.sampled_from([1, 3]))
        stride = self.draw(st.sampled_from([1, 2]))
        group = self.draw(st.sampled_from([1, channels]))
        features = channels if group > 1 else self.draw(st.integers(1, 6))
        inputs = [x, self.weight(features, channels // group, kernel, kernel)]
        if self.draw(st.booleans()):
            inputs.append(self.weight(features))
        # pads keep the size, so that a stride of 2 halves it and rounds up
        out = (1, features, -(-height // stride), -(-width // stride))
        self.macs += prod(out) * channels // group * kernel**2
        pads, strides = [kernel // 2] * 4, [stride] * 2
        self.node("Conv", inputs, out, group=group, pads=pads, strides=strides)

    def pool(self):
        x = self.pick(rank=4)
        if x is None or min(self.shapes[x][2:]) < 2:
            return
        _, channels, height, width = self.shapes[x]
        op_type = self.draw(st.sampled_from(["MaxPool", "AveragePool", "GlobalAveragePool"]))
        if op_type == "GlobalAveragePool":
            self.node(op_type, [x], (1, channels, 1, 1))
            return
        out = (1, channels, height // 2, width // 2)
        self.node(op_type, [x], out, kernel_shape=[2, 2], strides=[2, 2])

    def reshape(self):
        x = self.pick()
        size = prod(self.shapes[x])
        target = self.draw(st.sampled_from([(1, size), (1, size, 1, 1)]))
        shape = helper.make_tensor(self.name(len(target)), TensorProto.INT64, [len(target)], target)
        self.weights.append(shape)
        self.node("Reshape", [x, shape.name], target)

    def concat(self):
        x = self.pick()
        first = self.shapes[x]
        same = [t for t in self.open if self.shapes[t] == (1, self.shapes[t][1], *first[2:])]
        parts = [x, *self.draw(st.lists(st.sampled_from(same), min_size=1, max_size=2))]
        channels = sum(self.shapes[t][1] for t in parts)
        if channels <= 64:
            self.node("Concat", parts, (1, channels, *first[2:]), axis=1)

    def split(self):
        x = self.pick()
        channels = self.shapes[x][1]
        if channels > 1:
            half = -(-channels // 2)
            rest = self.shapes[x][2:]
            shapes = (1, half, *rest), (1, channels - half, *rest)
            self.node("Split", [x], *shapes, axis=1, num_outputs=2)

    def choice(self):
        """An If on an input; either branch reads a tensor of the graph around it."""
        x = self.pick()
        shape = self.shapes[x]

        def branch(name):
            inner = [self.pick_like(shape)]
            nodes = []
            for op_type in self.draw(
                st.lists(st.sampled_from(["Relu", "Exp", "Identity"]), min_size=1, max_size=3)
            ):
                inner.append(self.name(*shape))
                nodes.append(helper.make_node(op_type, inner[-2:-1], inner[-1:]))
            return helper.make_graph(nodes, name, [], [_value(inner[-1], shape)])

        branches = {f"{side}_branch": branch(side) for side in ("then", "else")}
        self.node("If", ["condition"], shape, **branches)


def _value(name, shape, dtype=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


STEPS = ("unary", "binary", "conv", "conv", "pool", "reshape", "concat", "split", "choice")


@st.composite
def networks(draw):
    """A network and its model."""
    network = Network(draw)
    given_shape = (1, draw(st.integers(1, 5)), draw(st.integers(1, 9)), draw(st.integers(1, 9)))
    network.open.append(network.name(*given_shape))
    network.unary()
    for step in draw(st.lists(st.sampled_from(STEPS), min_size=3, max_size=12)):
        getattr(network, step)()
    last = network.nodes[-1].output
    outputs = {*last, draw(st.sampled_from(network.open))} - {"t000"}
    graph = helper.make_graph(
        network.nodes,
        "network",
        [_value("t000", given_shape), _value("condition", (), TensorProto.BOOL)],
        [_value(name, network.shapes[name]) for name in sorted(outputs)],
        network.weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    return network, model


@moderately
@given(networks())
def test_the_networks_are_valid_and_their_shapes_are_found(made):
    network, model = made
    checker.check_model(model, full_check=True)
    graph = from_proto(model)
    verify(graph)
    shapes = infer(graph)
    names = set(graph.live_tensors()) - {"condition"}
    assert {n: shapes.get(n).resolved for n in names} == {n: network.shapes[n] for n in names}


@moderately
@given(networks())
def test_every_node_is_costed_and_the_totals_are_their_sums(made):
    network, model = made
    cost = cost_graph(from_proto(model), DEVICE)
    assert cost.coverage.unknown == ()
    for figure in SUMS:
        assert getattr(cost.totals, figure) == pytest.approx(
            sum(getattr(node, figure) for node in cost.nodes), rel=1e-12
        )
    assert cost.totals.macs == network.macs
    assert cost.totals.traffic_bytes == cost.totals.read_bytes + cost.totals.write_bytes
    floats = [w for w in network.weights if w.data_type == TensorProto.FLOAT]
    used = [w for w in floats if not (prod(w.dims) == 1 and _only_elementwise(w, model))]
    assert cost.totals.params == sum(prod(w.dims) for w in used)


def _only_elementwise(weight, model):
    readers = [n for n in model.graph.node if weight.name in n.input]
    return all(n.op_type in ("Add", "Mul") for n in readers)


@moderately
@given(networks())
def test_saving_changes_neither_the_model_nor_its_cost(tmp_path_factory, made):
    _, model = made
    before = ModelProto()
    before.CopyFrom(model)
    graph = from_proto(model)
    assert to_proto(graph) == before
    path = tmp_path_factory.mktemp("saved") / "m.onnx"
    save(graph, path)
    again = load(path)
    assert to_proto(again) == before
    first, second = cost_graph(graph, DEVICE), cost_graph(again, DEVICE)
    assert first.nodes == second.nodes
    assert first.totals == second.totals


@moderately
@given(networks())
def test_no_peak_is_below_what_an_operator_needs(made):
    _, model = made
    scope = infer(from_proto(model))
    costs = cost_nodes(scope)
    found = memory(scope, costs)
    reused = memory(scope, costs, in_place=True)
    assert reused.peak_bytes <= found.peak_bytes <= found.total_activation_bytes
    assert found.mean_activation_bytes <= found.peak_bytes
    for cost, node, inner, *_ in costs:
        if cost.view:
            continue
        tensors = {name: inner.get(name) for name in (*node.inputs, *node.outputs)}
        # reading a tensor and a view of it takes its room once
        storages = {_viewed(inner, name) for name, i in tensors.items() if not i.constant}
        assert found.peak_bytes >= sum(bytes_of(home.get(name)) for home, name in storages)


def _viewed(scope, name):
    ((scope, name),) = scope.homes(name)  # no functions here, whose calls may share a body
    maker = scope.graph.producer(name)
    if maker is not None and maker.op_type in ("Identity", "Reshape"):
        return _viewed(scope, maker.inputs[0])
    return scope, name


def _renamed(graph, names):
    made = GraphProto()
    made.CopyFrom(graph)
    for named in (*made.input, *made.output, *made.initializer):
        named.name = names.get(named.name, named.name)
    for node in made.node:
        node.input[:] = [names.get(n, n) for n in node.input]
        node.output[:] = [names.get(n, n) for n in node.output]
        for attribute in node.attribute:
            if attribute.HasField("g"):
                attribute.g.CopyFrom(_renamed(attribute.g, names))
    return made


@moderately
@given(networks(), st.randoms(use_true_random=False))
def test_names_of_tensors_cost_nothing(made, random):
    network, model = made
    old = sorted(network.shapes)
    names = dict(zip(old, random.sample(old, len(old)), strict=True))  # all of equal length
    renamed = ModelProto()
    renamed.CopyFrom(model)
    renamed.graph.CopyFrom(_renamed(model.graph, names))
    first, second = (cost_graph(from_proto(m), DEVICE) for m in (model, renamed))
    assert first.totals == second.totals
    assert list(map(_nameless, first.nodes)) == list(map(_nameless, second.nodes))


def _nameless(node):
    return node._replace(name="", originals=())
