"""The ledger at ``executed``: sums are exact, and what the runtime makes by itself is not saved."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
import pytest

from ocost.compare import diff_graphs
from ocost.compare.result import Diff
from ocost.costmodel.catalogue import find
from ocost.graph import Graph, from_proto, load
from ocost.ledger.executed import Ledger
from ocost.ledger.figures import OF_CONSTANTS, OF_EXECUTED
from ocost.models import samples
from ocost.optimize.pays import Judge
from ocost.optimize.pipeline import Plan, run
from ocost.optimize.plan import plan

DEVICE = find("x86-server-core")


def optimized(graph: Graph, chosen: Plan, device: str = "x86-server-core") -> Diff:
    """The graph against what the pipeline makes of it, with the ledger."""
    made = run(graph, chosen, find(device))
    ledger = Ledger(tuple(made.entries), (), {"written": made.residual})
    return diff_graphs(graph, made.graph, find(device), ledger=ledger)


def model(text: str, **constants: tuple[int, ...]) -> Graph:
    """With seeded constants of these shapes."""
    proto = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> {text}')
    random = np.random.default_rng(0)
    for name, shape in constants.items():
        values = random.uniform(0.5, 1.5, shape).astype(np.float32)
        proto.graph.initializer.append(onnx.numpy_helper.from_array(values, name))
    return from_proto(proto)


def require_exact(diff: Diff) -> None:
    """Entries and joint ones sum to the difference, each counted once."""
    ledger = diff.ledger
    assert not any(v for left in ledger.residual.values() for v in left.values()), ledger.residual
    own = [entry.deltas["executed"] for entry in ledger.entries if not entry.joint]
    own += [joint.deltas["executed"] for joint in ledger.joints]
    change = diff.levels["executed"].delta
    for figure in (*OF_EXECUTED, *OF_CONSTANTS):
        total = sum(delta[figure] for delta in own)
        if figure == "latency_s":
            whole = diff.levels["executed"].before.totals.latency_s
            assert total == pytest.approx(change.latency_s, abs=1e-12 * (whole or 1))
        else:
            assert total == getattr(change, figure), figure
    members = [place for joint in ledger.joints for place in joint.members]
    assert len(members) == len(set(members))
    for place, entry in enumerate(ledger.entries):
        assert ("executed" in entry.deltas) == (place not in members)
        assert not entry.joint or place in entry.joint


@pytest.mark.parametrize("sample", [sample.name for sample in samples()])
def test_sums_are_exact_on_samples(sample: str) -> None:
    diff = optimized(load(f"@{sample}"), plan(pays=Judge(DEVICE).pays, onnxsim=False))
    require_exact(diff)


@pytest.mark.parametrize("sample", ["repvgg_a0", "silero_vad", "gpt2_4l"])
def test_sums_are_exact_with_onnxsim(sample: str) -> None:
    require_exact(optimized(load(f"@{sample}"), plan(pays=Judge(DEVICE).pays)))


@pytest.mark.parametrize("sample", ["resnet18", "mobilenet_v2"])
@pytest.mark.parametrize("onnxsim", [True, False])
def test_normalisations_are_folded_by_the_runtime(sample: str, onnxsim: bool) -> None:
    diff = optimized(load(f"@{sample}"), plan(pays=Judge(DEVICE).pays, onnxsim=onnxsim))
    require_exact(diff)
    assert {entry.effect for entry in diff.rewrites} == {"runtime"}
    assert not diff.ledger.joints
    for entry in diff.rewrites:
        executed = entry.deltas["executed"]
        assert {executed[figure] for figure in OF_EXECUTED} == {0}, entry
    assert set(diff.folded) == {"BatchNormalization"}


def test_merged_branches_are_net_with_the_normalisations_that_went_before() -> None:
    diff = optimized(load("@repvgg_a0"), plan(pays=Judge(DEVICE).pays, onnxsim=False))
    for joint in diff.ledger.joints:
        passes = Counter(diff.rewrites[place].by for place in joint.members)
        assert passes == {"fold-batchnorm": 2, "merge-branches": 1}
        assert joint.effect == "net"
        assert joint.deltas["executed"]["latency_s"] < 0
    assert {len(entry.joint) for entry in diff.rewrites} == {3}


def test_padded_channels_let_the_runtime_block() -> None:
    """22 channels are not blocked, 24 are; in the file there is more to do."""
    graph = model(
        """g (float[1,32,56,56] x) => (float[1,32,56,56] y) {
            a = Conv <pads = [1,1,1,1]> (x, w)
            r = Relu (a)
            y = Conv <pads = [1,1,1,1]> (r, v)
        }""",
        w=(22, 32, 3, 3),
        v=(32, 22, 3, 3),
    )
    diff = optimized(graph, plan(only=["pad-channels"], pays=Judge(DEVICE).pays, onnxsim=False))
    require_exact(diff)
    (entry,) = diff.rewrites
    assert entry.deltas["written"]["flops"] > 0
    assert entry.deltas["executed"]["latency_s"] < 0
    assert entry.deltas["executed"]["padded_flops"] != 0
    assert entry.effect == "enables"


IDENTITY = """g (float[1,16,8,8] x) => (float[1,16,8,8] y) {
    i = Identity (x)
    a = Conv (i, w)
    n = BatchNormalization (a, s, s, s, s)
    b = Conv (i, w)
    c = Relu (i)
    t = Add (n, b)
    y = Add (t, c)
}"""


def test_an_identity_takes_no_part_in_what_its_readers_become() -> None:
    graph = model(IDENTITY, w=(16, 16, 1, 1), s=(16,))
    only = ["remove-noops", "fold-batchnorm"]
    diff = optimized(graph, plan(only=only, onnxsim=False))
    require_exact(diff)
    by_pass = {entry.by: entry for entry in diff.rewrites}
    identity = by_pass["remove-noops"]
    assert set(identity.removed) - set(identity.rewired.values()) == {"i"}
    assert len(identity.rewired) == 3
    assert {entry.effect for entry in diff.rewrites} == {"runtime"}
    assert not any(entry.joint for entry in diff.rewrites)


def test_a_shared_constant_that_one_reader_gives_up() -> None:
    """It is stored as before, and the one that reads another now is told apart."""
    graph = model(IDENTITY, w=(16, 16, 1, 1), s=(16,))
    diff = optimized(graph, plan(only=["fold-batchnorm"], onnxsim=False))
    require_exact(diff)
    (entry,) = diff.rewrites
    assert entry.deltas["written"]["param_bytes"] == 4 * (16 * 16 + 16 - 16)  # s has gone


@pytest.mark.parametrize("condition", ["always", "c"])
def test_bodies(condition: str) -> None:
    """A branch that is inlined, or whose ReLUs are fewer."""
    graph = model(
        f"""g (bool c, float[8] x) => (float[8] y) <bool always = {{1}}> {{
            i = Identity (x)
            y = If ({condition}) <
                then_branch = t () => (float[8] b) {{
                    a = Relu (i)  n = Identity (a)  b = Exp (n) }},
                else_branch = e () => (float[8] d) {{
                    k = Identity (x)  d = Relu (k) }}>
        }}"""
    )
    diff = optimized(graph, plan(onnxsim=False))
    assert diff.rewrites
    require_exact(diff)


def test_a_loop() -> None:
    graph = model(
        """g (float[8] x) => (float[8] y) <int64 n = {5}, bool t = {1}> {
            y = Loop (n, t, x) <body = b (int64 k, bool c, float[8] v) => (bool d, float[8] w) {
                d = Identity (c)
                m = Relu (v)
                r = Relu (m)
                w = Identity (r)
            }>
        }"""
    )
    diff = optimized(graph, plan(onnxsim=False))
    assert diff.rewrites
    require_exact(diff)


def test_of_a_runtime_without_rules_effects_are_those_of_the_ideal_and_that_is_said() -> None:
    diff = optimized(load("@odd_channels"), plan(onnxsim=False), device="nvidia-t4")
    require_exact(diff)
    assert {entry.effect for entry in diff.rewrites} == {"runtime"}
    assert any("target 'ideal'" in note for note in diff.levels["written"].before.notes)


def test_what_leaves_nothing_that_is_costed_has_no_effect() -> None:
    graph = model("g (float[8] x) => (float[8] y) { i = Neg (x)  j = Neg (i)  y = Unheard (j) }")
    diff = optimized(graph, plan(onnxsim=False))
    assert {entry.effect for entry in diff.rewrites} == {None}
    assert not any(diff.ledger.residual["executed"].values())
