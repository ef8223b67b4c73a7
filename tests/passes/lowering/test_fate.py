"""The fate of one node: who executes it, what stands at its boundary, what stood in the way."""

from __future__ import annotations

import pytest

import ocost
from ocost import cli
from ocost.graph import OcostError


def test_a_folded_batchnormalization_of_29_channels() -> None:
    found = ocost.fate("@odd_channels", "/2/2.1/BatchNormalization")
    (executed,) = found.executed
    assert (found.fate, executed.op_type) == ("once", "FusedConv")
    assert executed.originals == ("/2/2.0/Conv", "/2/2.1/BatchNormalization", "/2/2.2/Relu")
    assert [node.op_type for node in found.inserted] == ["ReorderOutput"]
    (blocker,) = found.blockers
    assert blocker.rule == "NchwcTransformer"
    assert blocker.kind == "the input channels are no multiple of 4"
    assert blocker.places == 5
    assert blocker.saving is not None
    assert blocker.saving.latency_s > 0


def test_what_is_computed_before_the_run_has_no_executed_node() -> None:
    graph = ocost.load("@silero_vad")
    fates = {ocost.fate(graph, graph.path(node)).fate: node for node in list(graph)[:12]}
    assert "folded" in fates
    assert ocost.fate(graph, graph.path(fates["folded"])).executed == ()


def test_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["explain", "@odd_channels", "--node", "/2/2.2/Relu"]) == 0
    assert capsys.readouterr().out == (
        "/2/2.2/Relu  Relu\n"
        "one executed node does its work, by the rules for onnxruntime-cpu on\n"
        "x86-server-core\n"
        "executed: /2/2.0/Conv (FusedConv), together with /2/2.0/Conv,\n"
        "/2/2.1/BatchNormalization\n"
        "put in at its boundary: ReorderOutput_token_0 (ReorderOutput)\n"
        "NchwcTransformer nearly takes it: the input channels are no multiple of 4; the\n"
        "fix saves 810.9 µs and 1.70 MiB of traffic at 5 places together\n"
        "  why: for example, the 29 input channels of '/2/2.0/Conv' are no multiple of 4\n"
        "  fix: pad '/1/1.2/Relu_output_0' to 32 channels, as the pass pad-channels does\n"
    )


def test_where_no_rules_are_known_the_page_names_the_ideal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ["explain", "@odd_channels", "--node", "/2/2.2/Relu", "--device", "nvidia-t4"]
    assert cli.run(arguments) == 0
    assert "by the rules for ideal on nvidia-t4" in capsys.readouterr().out


def test_a_node_that_is_not_there_is_one_line() -> None:
    with pytest.raises(OcostError, match=r"no node '/2/2.2/Rely' \(did you mean /2/2.2/Relu"):
        ocost.fate("@odd_channels", "/2/2.2/Rely")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--node", "x"), "--node needs the model: ocost explain MODEL --node NODE"),
        (("Conv", "--device", "host"), "--device is for --node"),
    ],
)
def test_options_that_need_one_another(
    arguments: tuple[str, ...], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["explain", *arguments]) == 2
    assert reason in capsys.readouterr().err
