"""Events go to the nodes of the saved graph, those of a branch to the branch that was taken."""

from __future__ import annotations

import pytest
from onnx import parser

from ocost.graph import Graph, OcostError, from_proto
from ocost.runtime.onnxruntime.alignment import Aligner, Spent
from ocost.runtime.onnxruntime.trace import Body, Event

HEAD = '<ir_version: 8, opset_import: ["":17]>'
BRANCHES = f"""{HEAD}
g (float[2] x, bool c) => (float[2] y) {{
    [a] a = Relu(x)
    [z] z = If (c) <
        then_branch = t () => (float[2] tz) {{
            k = Constant <value = float {{2}}> ()
            [tz] tz = Mul(a, k)
        }},
        else_branch = e () => (float[2] ez) {{ [ez] ez = Mul(a, a) }}
    >
    [y] y = Tanh(z)
}}"""
LOOP = f"""{HEAD}
g (float[2] x, int64 n, bool c) => (float[2] y) {{
    y = Loop (n, c, x) <body = b (int64 i, bool go, float[2] s) => (bool co, float[2] so) {{
        co = Identity(go)
        so = Relu(s)
    }}>
}}"""


def read(text: str) -> Graph:
    return from_proto(parser.parse_model(text))


def event(name: str, op_type: str, us: int, *bodies: Body) -> Event:
    return Event(name, op_type, "CPUExecutionProvider", 0, us, bodies)


def run(*events: Event) -> Body:
    return Body(0, 100, events)


@pytest.mark.parametrize(
    ("inner", "path"), [("tz", "z/then_branch/tz"), ("ez", "z/else_branch/ez")]
)
def test_the_branch_that_was_taken(inner: str, path: str) -> None:
    """Both branches execute a Mul: its name tells. The Constant is not executed."""
    body = Body(0, 8, (event(inner, "Mul", 5),))
    found = Aligner(read(BRANCHES)).spent(
        run(event("a", "Relu", 3), event("z", "If", 10, body), event("y", "Tanh", 4))
    )
    # The If takes 10 us less its body's 8.
    assert found == {"a": Spent(3, 1), "z": Spent(2, 1, 1), path: Spent(5, 1), "y": Spent(4, 1)}


def test_trips_add_up() -> None:
    """Nodes without names; a body's are executed in another order than they are saved in."""
    trips = [
        Body(0, us, (event("Relu_1", "Relu", us - 2), event("Identity_0", "Identity", 1)))
        for us in (5, 7)
    ]
    found = Aligner(read(LOOP)).spent(run(event("Loop_0", "Loop", 20, *trips)))
    # Relu: 3 + 5 us. Loop: 20 - 5 - 7.
    assert found == {"y": Spent(8, 1, 2), "y/body/co": Spent(2, 2), "y/body/so": Spent(8, 2)}


def test_another_session_made_up_other_names() -> None:
    """Then the order tells, although a name is there that means another node."""
    graph = read(f"{HEAD}\ng (float[2] x) => (float[2] y) {{ [r] a = Relu(x) [r_1] y = Relu(a) }}")
    found = Aligner(graph).spent(run(event("r_1", "Relu", 3), event("r_2", "Relu", 4)))
    assert found == {"r": Spent(3, 1), "r_1": Spent(4, 1)}


@pytest.mark.parametrize(
    "events",
    [
        [event("a", "Relu", 3)],
        [event("a", "Relu", 3), event("z", "If", 3), event("b", "Sin", 3)],
        [
            event("a", "Relu", 3),
            event("z", "If", 3, Body(0, 1, (event("q", "Sin", 1),))),
            event("y", "Tanh", 3),
        ],
    ],
)
def test_a_profile_of_another_graph(events: list[Event]) -> None:
    with pytest.raises(OcostError, match="the profile is not of this graph"):
        Aligner(read(BRANCHES)).spent(run(*events))
