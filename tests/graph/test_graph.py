"""The IR: edges, order, names, mutators, and verify, which derives all of them anew."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import GraphProto, ModelProto, TensorProto, helper, parser

from ocost import models
from ocost.graph import Node, OcostError, Tensor, from_proto, load, to_proto, verify
from ocost.graph.graph import Graph, Header


def _graph(text):
    """``text`` is the part between the braces of a graph from float[4] x to float[4] y."""
    head = '<ir_version: 8, opset_import: ["" : 17]> g (float[4] x) => (float[4] y) '
    return from_proto(parser.parse_model(head + "{" + text + "}"))


def _edges(graph):
    return sorted(graph.nx.edges(keys=True), key=str)


def _ids(graph):
    return [node.id for node in graph]


# --- edges -----------------------------------------------------------------------------------


def test_an_edge_a_slot():
    graph = _graph("a = Relu(x) y = Mul(a, a)")
    assert _edges(graph) == [("a", "y", 0), ("a", "y", 1)]
    assert {d["tensor"] for *_, d in graph.nx.edges(data=True)} == {"a"}
    assert [(n.id, key) for n, key in graph.consumers("a")] == [("y", 0), ("y", 1)]
    assert [(n.id, key) for n, key in graph.consumers("x")] == [("a", 0)]
    assert graph.producer("a").id == "a"
    assert graph.producer("x") is None
    assert graph.consumers("y") == []
    verify(graph)


def test_an_omitted_input_makes_no_edge():
    graph = _graph("a = Relu(x) b = Abs(x) y = Clip(a, , b)")
    assert _edges(graph) == [("a", "y", 0), ("b", "y", 2)]


def test_a_node_of_several_outputs():
    graph = _graph("a, b = Split(x) y = Sub(b, a)")
    assert _edges(graph) == [("a", "y", 0), ("a", "y", 1)]
    assert [d["tensor"] for *_, d in graph.nx.edges(data=True)] == ["b", "a"]


CAPTURES = """
  c = Cast <to = 9> (x)
  a = Relu (x)
  b = Abs (x)
  y = If (c) <
    then_branch = then () => (t) {
      t = If (c) <
        then_branch = inner () => (i) { i = Add (a, b) },
        else_branch = pass () => (b) { }
      >
    },
    else_branch = other () => (e) { own = Neg (x) e = Mul (own, own) }
  >
"""


def test_captures_are_edges_of_the_node_that_owns_the_body():
    graph = _graph(CAPTURES)
    assert graph.captures(graph.node("y")) == ("c", "a", "b", "x")
    assert _edges(graph) == [
        ("a", "y", "capture:a"),
        ("b", "y", "capture:b"),
        ("c", "y", "capture:c"),
        ("c", "y", 0),
    ]
    outer = graph.subgraphs(graph.node("y"))["then_branch"]
    assert outer.captures(outer.node("t")) == ("a", "b")
    assert _edges(outer) == []  # what it captures is made outside
    # "own" is made inside; "b" is only handed on, as the branch's output.
    assert [(n.id, key) for n, key in graph.consumers("b")] == [("y", "capture:b")]
    verify(graph)


def test_a_body_is_not_sorted_before_what_it_captures():
    graph = _graph(
        """
        y = If (c) <then_branch = t () => (t) { t = Neg (a) }, else_branch = e () => (x) { }>
        a = Relu (x)
        c = Cast <to = 9> (x)
        """
    )
    assert _ids(graph) == ["a", "c", "y"]
    verify(graph)


# --- order -----------------------------------------------------------------------------------


def test_the_order_is_the_files_where_that_is_topological():
    graph = _graph("b = Relu(x) a = Abs(x) d = Neg(a) c = Neg(b) y = Add(c, d)")
    assert _ids(graph) == ["b", "a", "d", "c", "y"]


def test_an_unsorted_file_is_put_in_order():
    graph = _graph("y = Add(c, d) d = Neg(a) c = Neg(b) a = Abs(x) b = Relu(x)")
    # Each time, of those that are ready, the first in the file.
    assert _ids(graph) == ["a", "d", "b", "c", "y"]
    assert _ids(graph) == _ids(_graph("y = Add(c, d) d = Neg(a) c = Neg(b) a = Abs(x) b = Relu(x)"))
    verify(graph)


@pytest.mark.parametrize("name", [sample.name for sample in models.samples()])
def test_every_sample_is_whole_and_in_the_files_order(name):
    graph = load(f"@{name}")
    verify(graph)
    proto = ModelProto.FromString(models.resolve(f"@{name}").read_bytes())
    assert [list(n.outputs) for n in graph] == [list(n.output) for n in proto.graph.node]
    paths = [g.path(n) for g, n in graph.walk()]
    assert len(paths) == len(set(paths))


def test_walk_enters_the_bodies():
    graph = _graph(CAPTURES)
    assert [g.path(n) for g, n in graph.walk()] == [
        "c",
        "a",
        "b",
        "y",
        "y/then_branch/t",
        "y/then_branch/t/then_branch/i",
        "y/else_branch/own",
        "y/else_branch/e",
    ]


# --- names -----------------------------------------------------------------------------------


def _named(*nodes):
    """Nodes given as (name, outputs), each a Relu of x."""
    graph = helper.make_graph([], "g", [], [])
    graph.input.add(name="x")
    for name, outputs in nodes:
        graph.node.append(helper.make_node("Relu", ["x"], outputs, name=name))
    return _ids(from_proto(helper.make_model(graph)))


def test_a_unique_name_is_the_id():
    assert _named(("n", ["a"]), ("m", ["b"])) == ["n", "m"]


def test_unnamed_and_equally_named_nodes_go_by_their_first_output():
    assert _named(("", ["a"]), ("n", ["b"]), ("n", ["", "c"])) == ["a", "b", "c"]


def test_an_id_gives_way_to_a_name():
    assert _named(("", ["a"]), ("a", ["b"]), ("a'", ["c"])) == ["a''", "a", "a'"]


def test_a_node_without_outputs_goes_by_its_number():
    assert _named(("", []), ("", [""])) == ["Relu_0", "Relu_1"]


# --- mutators --------------------------------------------------------------------------------


def test_rewire_moves_every_reader():
    graph = _graph("a = Relu(x) b = Abs(a) c = Mul(b, b) y = Add(c, b)")
    graph.rewire("b", "a")
    assert graph.consumers("b") == []
    assert {(n.id, key) for n, key in graph.consumers("a")} == {
        ("b", 0),
        ("c", 0),
        ("c", 1),
        ("y", 1),
    }
    verify(graph)
    graph.remove_node("b")
    verify(graph)
    assert _ids(graph) == ["a", "c", "y"]
    assert graph.removed_tensors() == {"b"}


def test_rewire_of_a_captured_tensor_changes_nothing():
    graph = _graph(CAPTURES)
    before = _edges(graph)
    with pytest.raises(OcostError, match="tensor 'a' is captured by 'y'"):
        graph.rewire("a", "b")
    with pytest.raises(OcostError, match="tensor 'c' is captured by 'y'"):
        graph.rewire("c", "b")  # it is read by slot 0 too
    assert _edges(graph) == before
    assert graph.node("y").inputs == ("c",)
    verify(graph)


def test_a_node_can_be_replaced():
    graph = _graph("a = Relu(x) y = Neg(a)")
    graph.remove_node("a")
    with pytest.raises(OcostError, match="reads tensor 'a', which nothing makes"):
        verify(graph)
    graph.add_node(Node.make("Abs", ["x"], ["a"]))
    verify(graph)
    assert [n.op_type for n in graph] == ["Abs", "Neg"]
    assert _edges(graph) == [("a", "y", 0)]
    assert graph.removed_tensors() == set()


def test_a_body_moves_with_its_node():
    graph = _graph(CAPTURES)
    bodies = graph.subgraphs(graph.node("y"))
    node = graph.remove_node("y")
    assert graph.consumers("a") == []
    graph.add_node(node, bodies)
    verify(graph)
    assert [(n.id, key) for n, key in graph.consumers("a")] == [("y", "capture:a")]


def test_a_body_is_called_by_what_its_node_is_called():
    """An unnamed node's id is its output, which may be renamed; bodies in bodies move along."""
    graph = _graph(CAPTURES)
    bodies = graph.subgraphs(graph.node("y"))
    old = graph.remove_node("y")
    graph.add_node(Node.make("If", old.inputs, ["z"]), bodies)
    prefixes = {scope.prefix for scope, _ in graph.walk()}
    assert prefixes == {"", "z/then_branch/", "z/then_branch/t/then_branch/", "z/else_branch/"}


def test_constants_come_and_go():
    graph = _graph("y = Add(x, w)")
    with pytest.raises(OcostError, match=r"'y' \(Add\) reads tensor 'w', which nothing makes"):
        verify(graph)
    graph.set_initializer(Tensor.from_proto(helper.make_tensor("w", 1, [1], [2.0]), _source(graph)))
    verify(graph)
    assert graph.constant("w").data().tolist() == [2.0]
    assert graph.live_tensors() == {"x", "y", "w"}
    graph.remove_initializer("w")
    assert graph.constant("w") is None
    assert graph.removed_tensors() == {"w"}
    with pytest.raises(OcostError, match="tensor 'y' has a producer"):
        graph.set_initializer(
            Tensor.from_proto(helper.make_tensor("y", 1, [1], [2.0]), _source(graph))
        )


def _source(graph):
    return graph.header.source


def test_what_is_taken_is_refused_and_changes_nothing():
    graph = _graph("a = Relu(x) y = Neg(a)")
    for node, message in [
        (Node.make("Abs", ["x"], ["b"], name="a"), "two nodes are called 'a'"),
        (Node.make("Abs", ["x"], ["a"], name="n"), "tensor 'a' is produced twice.*by 'n'"),
        (Node.make("Abs", ["y"], ["x"], name="n"), "tensor 'x' is produced twice.*by 'n'"),
    ]:
        with pytest.raises(OcostError, match=message):
            graph.add_node(node)
    assert _ids(graph) == ["a", "y"]
    verify(graph)


def test_constants_of_outer_scopes_are_found():
    graph = _graph(
        """
        w = Constant <value_float = 1.0> ()
        c = Cast <to = 9> (x)
        y = If (c) <then_branch = t () => (t) { t = Add (x, k) }, else_branch = e () => (x) { }>
        """
    )
    graph.set_initializer(Tensor.from_proto(helper.make_tensor("k", 1, [1], [2.0]), _source(graph)))
    body = graph.subgraphs(graph.node("y"))["then_branch"]
    assert body.constant("k") is graph.constant("k")
    assert body.constant("x") is None
    assert body.constant("w") is None  # made by a node, not stored
    assert body.parent is graph


@st.composite
def _mutations(draw):
    """A sequence of (what, a number, another number): the test takes them modulo what is there."""
    step = st.tuples(st.sampled_from(["add", "add", "remove", "rewire"]), *[st.integers(0, 99)] * 3)
    return draw(st.lists(step, max_size=30))


@given(_mutations())
def test_edges_follow_any_mutations(steps):
    graph = Graph(Header(8, ModelProto()), GraphProto(), {"": 17})
    graph.set_interface(["x"], ["x"])
    for number, (what, i, j, k) in enumerate(steps):
        tensors = ["x", *(o for node in graph for o in node.outputs)]
        if what == "add":
            reads = [tensors[i % len(tensors)], tensors[j % len(tensors)]]
            graph.add_node(Node.make("Two", reads, [f"t{number}", f"u{number}"]))
        elif what == "rewire":
            # Only to what comes earlier: else a cycle is made.
            old = max(i % len(tensors), j % len(tensors))
            new = min(i % len(tensors), j % len(tensors))
            graph.rewire(tensors[old], tensors[new])
        elif len(graph):
            node = list(graph)[k % len(graph)]
            for output in node.outputs:
                graph.rewire(output, node.inputs[0])
            graph.remove_node(node.id)
        verify(graph)
        order = {node.id: place for place, node in enumerate(graph)}
        for maker, reader, slot in graph.nx.edges(keys=True):
            assert order[maker] < order[reader]
            assert graph.node(reader).inputs[slot] in graph.node(maker).outputs
        reads = sum(len(node.inputs) for node in graph)
        assert sum(len(graph.consumers(t)) for t in graph.live_tensors()) == reads


# --- verify ----------------------------------------------------------------------------------


def test_an_output_that_nothing_makes_is_refused():
    with pytest.raises(OcostError, match="graph output 'y' is made by no node"):
        verify(_graph("a = Relu(x)"))


def test_a_body_that_reads_what_is_not_there_is_refused():
    text = """
      c = Cast <to = 9> (x)
      y = If (c) <then_branch = t () => (t) { t = Neg (gone) }, else_branch = e () => (x) { }>
    """
    with pytest.raises(OcostError, match=r"node 'y' \(If\) reads tensor 'gone'"):
        verify(_graph(text))


def test_edges_that_do_not_follow_are_refused():
    for break_it in (
        lambda g: g.nx.remove_edge("a", "y", key=0),
        lambda g: g.nx.add_edge("a", "y", key=1, tensor="a"),
    ):
        graph = _graph("a = Relu(x) y = Neg(a)")
        break_it(graph)
        with pytest.raises(OcostError, match=r"the edges don't follow from the nodes: \('a', 'y'"):
            verify(graph)


def test_two_makers_are_refused():
    graph = _graph("a = Relu(x) y = Neg(a)")
    graph.initializers["a"] = Tensor.from_proto(
        helper.make_tensor("a", TensorProto.FLOAT, [1], [2.0]), _source(graph)
    )
    with pytest.raises(OcostError, match="tensor 'a' is produced twice, by 'a'"):
        verify(graph)


def test_a_cycle_is_named():
    with pytest.raises(OcostError, match=r"^the graph has a cycle: (a -> b -> a|b -> a -> b)$"):
        _graph("a = Add(x, b) b = Relu(a) y = Neg(b)")
    graph = _graph("a = Relu(x) b = Abs(a) y = Neg(b)")
    graph.rewire("x", "y")
    with pytest.raises(OcostError, match="the graph has a cycle: "):
        verify(graph)


# --- domains ---------------------------------------------------------------------------------


def test_a_domain_is_imported_once_and_for_all_bodies():
    graph = _graph(CAPTURES)
    copied = graph.copy()
    (owner,) = (n for n in graph if n.op_type == "If")
    body = graph.subgraphs(owner)["then_branch"]
    body.import_domain("com.microsoft")
    graph.import_domain("com.microsoft", 3)
    assert graph.opset == body.opset == {"": 17, "com.microsoft": 1}
    assert from_proto(to_proto(graph)).opset == graph.opset
    assert from_proto(to_proto(copied)).opset == copied.opset == {"": 17}
