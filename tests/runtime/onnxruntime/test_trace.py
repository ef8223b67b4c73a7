"""The profile reader: runs, bodies, older versions, files that are cut or are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ocost.graph import OcostError
from ocost.runtime.onnxruntime.trace import Body, Event, read_profile

CPU = "CPUExecutionProvider"


def entry(cat: str, name: str, start: int, duration: int, **args: str) -> dict[str, object]:
    """An event as onnxruntime writes it."""
    head = {"cat": cat, "pid": 1, "tid": 1, "dur": duration, "ts": start, "ph": "X"}
    return {**head, "name": name, "args": args}


def node(
    name: str, op_type: str, start: int, duration: int, provider: str = CPU
) -> dict[str, object]:
    args = {"op_name": op_type, "provider": provider, "node_index": "0"}
    return entry("Node", f"{name}_kernel_time", start, duration, **args)


def session(name: str, start: int, duration: int) -> dict[str, object]:
    return entry("Session", name, start, duration)


EXECUTE = "SequentialExecutor::Execute"
START = [session("model_loading_array", 1, 5), session("session_initialization", 6, 50)]
# A Relu, and a Loop of two trips over an Add. Events are written when they end: a body's first.
LOOP = [
    node("a", "Relu", 100, 4),
    node("l/body/s", "Add", 110, 3),
    session(EXECUTE, 109, 6),
    node("l/body/s", "Add", 117, 2),
    session(EXECUTE, 116, 4),
    node("l", "Loop", 105, 20),
    session(EXECUTE, 99, 30),
    session("model_run", 98, 35),
]
FLAT = [node("a", "Relu", 200, 2), session(EXECUTE, 199, 4), session("model_run", 198, 6)]


def write(path: Path, events: list[dict[str, object]], end: str = "\n]\n") -> Path:
    file = path / "profile.json"
    file.write_text("[\n" + ",\n".join(map(json.dumps, events)) + end, encoding="utf-8")
    return file


def test_bodies_stand_under_their_owner(tmp_path: Path) -> None:
    trace = read_profile(write(tmp_path, START + LOOP + FLAT))
    trips = (
        Body(109, 6, (Event("l/body/s", "Add", CPU, 110, 3),)),
        Body(116, 4, (Event("l/body/s", "Add", CPU, 117, 2),)),
    )
    loop = Event("l", "Loop", CPU, 105, 20, trips)
    assert trace.runs == (
        Body(98, 35, (Event("a", "Relu", CPU, 100, 4), loop)),
        Body(198, 6, (Event("a", "Relu", CPU, 200, 2),)),
    )
    assert not trace.truncated
    # 20 us less what the executor of the body took: 6 + 4.
    assert loop.own_us == 10


def test_a_loop_within_a_branch(tmp_path: Path) -> None:
    events = [
        *LOOP[1:6],  # the Loop and its body
        session(EXECUTE, 104, 22),
        node("i", "If", 102, 25),
        session(EXECUTE, 99, 30),
        session("model_run", 98, 35),
    ]
    (run,) = read_profile(write(tmp_path, events)).runs
    (branch,) = run.events
    ((loop,),) = (body.events for body in branch.bodies)
    assert (branch.op_type, loop.op_type) == ("If", "Loop")
    assert [len(body.events) for body in loop.bodies] == [1, 1]
    assert branch.own_us == 25 - 22


def test_older_versions_and_other_providers(tmp_path: Path) -> None:
    fence = entry("Node", "a_fence_before", 199, 0, op_name="Relu")
    kernel = entry("Kernel", "void relu<float>", 200, 1)
    cuda = node("b", "Relu", 203, 1, provider="CUDAExecutionProvider")
    events = [fence, FLAT[0], kernel, cuda, *FLAT[1:]]
    (run,) = read_profile(write(tmp_path, events)).runs
    assert [(e.name, e.provider) for e in run.events] == [
        ("a", CPU),
        ("b", "CUDAExecutionProvider"),
    ]


@pytest.mark.parametrize("end", ["", ",\n", ',\n{"cat" : "Node","pid" :1,"na'])
def test_a_file_that_is_cut(tmp_path: Path, end: str) -> None:
    """Its last run is left out."""
    trace = read_profile(write(tmp_path, LOOP + FLAT[:1], end))
    assert len(trace.runs) == 1
    assert trace.truncated


def test_a_file_that_another_tool_wrote_anew(tmp_path: Path) -> None:
    expected = read_profile(write(tmp_path, LOOP)).runs
    file = tmp_path / "profile.json"
    for content in (LOOP, {"traceEvents": LOOP}):
        for indent in (None, 2):
            file.write_text(json.dumps(content, indent=indent), encoding="utf-8")
            assert read_profile(file).runs == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not a profile of onnxruntime"),
        ("hello\nworld\n", "not a profile of onnxruntime"),
        ('{"a": 1}', "not a profile of onnxruntime"),
        ("[1, 2]", "not a profile of onnxruntime"),
        ('[\n{"cat": "Node", "name": "a_kernel_time"}\n]', "not a profile of onnxruntime"),
        ("[\n" + json.dumps(FLAT[0]) + "\n]", "holds no complete run"),
    ],
)
def test_what_is_no_profile(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "profile.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(OcostError, match=message) as caught:
        read_profile(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(OcostError, match="can't be read"):
        read_profile(tmp_path / "none.json")
