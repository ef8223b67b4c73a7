"""What a rewrite says of nodes that merely read or make another tensor."""

from __future__ import annotations

from onnx import parser

from ocost.graph import Graph, from_proto
from ocost.optimize.regions import regions
from ocost.passes import passes
from ocost.rewrite.edit import Change, Edit
from ocost.rewrite.scope import scopes

READERS = """<ir_version: 8, opset_import: ["" : 17]>
g (float[8] x) => (float[8] a, float[8] b, float[8] c) {
    i = Identity (x)
    a = Relu (i)
    b = Neg (i)
    c = Exp (i)
}"""


def graph(text: str = READERS) -> Graph:
    return from_proto(parser.parse_model(text))


def test_the_readers_of_an_identity_that_goes() -> None:
    (rewrite,) = passes()["remove-noops"]().run(graph()).rewrites
    change = rewrite.change
    assert set(change.removed) == {"i", "a", "b", "c"}
    assert change.rewired == {"a": "a", "b": "b", "c": "c"}


def test_what_takes_over_the_name_of_an_output_is_what_it_was() -> None:
    text = """<ir_version: 8, opset_import: ["" : 17]>
        g (float[8] x) => (float[8] y) { r = Relu (x)  y = Identity (r) }"""
    (rewrite,) = passes()["remove-noops"]().run(graph(text)).rewrites
    assert set(rewrite.change.removed) == {"r", "y"}
    assert rewrite.change.added == ("y",)
    assert rewrite.change.rewired == {"y": "r"}


def test_what_is_put_in_its_place_is_another_node() -> None:
    made = graph()
    (scope,) = scopes(made)
    edit = Edit(scope)
    edit.change(made.node("a"), op_type="Abs")
    change = edit.commit()
    assert change == Change(("a",), ("a",))


def test_regions_tell_readers_from_what_changed() -> None:
    before = graph()
    after = graph(READERS.replace("i = Identity (x)", "").replace("(i)", "(x)"))
    ((_, change),) = regions(before, after)
    assert change.rewired == {"a": "a", "b": "b", "c": "c"}
    other = graph(READERS.replace("Relu (i)", "Abs (x)"))
    ((_, change),) = regions(before, other)
    assert change.rewired == {}


def test_a_reader_of_another_constant_has_changed() -> None:
    text = """<ir_version: 8, opset_import: ["" : 17]>
        g (float[2] x) => (float[2] y) <float[2] k = {1, 2}> { y = Add (x, k) }"""
    ((_, change),) = regions(graph(text), graph(text.replace(" k", " m")))
    assert (change.dropped, change.stored, change.rewired) == (("k",), ("m",), {})
