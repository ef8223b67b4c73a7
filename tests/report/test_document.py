import json
from dataclasses import replace
from importlib.metadata import version

import pytest

from ocost.costmodel.catalogue import find
from ocost.report.blocks import dumps
from ocost.report.cost_document import cost_document
from ocost.report.devices_document import devices_document
from ocost.report.diff_document import diff_document
from ocost.report.profile_document import profile_document

from .conftest import as_written


def test_cost(cost, device):
    document = cost_document(cost, device)
    assert document["schema"] == "ocost.cost/1"
    assert document["level"] == "written"
    assert document["model"]["path"] == "models/toy.onnx"
    assert document["model"]["opset"] == {"": 17, "my.domain": 1}
    assert document["model"]["inputs"] == {"x": [1, 3, None, 224], "y": None}
    assert document["model"]["assumed_dims"] == {"batch": 1}
    assert document["device"]["ridge"] == 10  # 100e9 / 10e9
    assert document["totals"]["traffic_bytes"] == 600_000
    assert document["notes"] == ["loop 'l' is taken to run once"]
    assert [node["name"] for node in document["nodes"]] == [node.name for node in cost.nodes]
    conv = document["nodes"][0]
    assert conv["intensity"] == 10  # 2e6 FLOP / 200e3 bytes
    assert (conv["kind"], conv["dtype"], conv["bound"]) == ("conv", "float32", "compute")


def test_what_is_not_known_is_null_and_said(cost, device):
    document = cost_document(cost, device)
    assert document["totals"]["total_activation_bytes"] is None
    assert document["totals"]["latency_high_s"] is None
    odd = document["nodes"][2]
    figures = ("macs", "flops", "read_bytes", "intensity", "bound", "latency_s", "estimator")
    assert [odd[name] for name in figures] == [None] * len(figures)
    reason = "no cost formula for my.domain::Odd"
    assert document["coverage"]["unknown"] == [
        {"node": "odd[0]", "op_type": "Odd", "reason": reason}
    ]


def test_environment(cost, device):
    environment = cost_document(cost, device)["environment"]
    assert environment["onnx"] == version("onnx")
    assert environment["onnxruntime"] == version("onnxruntime")
    assert environment["threads"] == 2


def test_a_package_that_is_not_there_is_null(cost, device, monkeypatch):
    def missing(package):
        raise PackageNotFoundError(package)

    from importlib.metadata import PackageNotFoundError

    monkeypatch.setattr("ocost.report.blocks.version", missing)
    assert cost_document(cost, device)["environment"]["onnxruntime"] is None


def test_further_devices(cost, device, slow_device):
    slow = tuple(n._replace(latency_s=n.latency_s and 10 * n.latency_s) for n in cost.nodes)
    totals = cost.totals._replace(latency_s=830e-6)
    (other,) = cost_document(
        cost, device, [(slow_device, replace(cost, nodes=slow, totals=totals))]
    )["other_devices"]
    assert other["device"]["name"] == "slow"
    assert other["notes"] == ["loop 'l' is taken to run once"]
    assert other["totals"]["latency_s"] == 830e-6
    assert other["nodes"][0]["name"] == cost.nodes[0].name
    assert other["nodes"][0]["latency_s"] == 10 * 41e-6
    assert other["nodes"][2]["latency_s"] is None


def test_no_float_that_json_cannot_hold(cost, device):
    odd = cost.nodes[0]._replace(latency_s=float("nan"), efficiency=float("inf"))
    document = cost_document(replace(cost, nodes=(odd,)), device)
    assert document["nodes"][0]["latency_s"] is None
    assert document["nodes"][0]["efficiency"] is None
    assert json.loads(dumps(document)) == document


def test_diff(diff):
    document = diff_document(diff)
    written = document["levels"]["written"]
    assert written["delta"]["traffic_bytes"] == -400_000
    assert written["delta"]["total_activation_bytes"] is None
    assert document["made_by"] == "shrinker 1.0"
    assert document["equivalence"] is None
    assert document["rewrites"] == document["gates"] == []
    assert document["op_types"][2] == {
        "op_type": "Clip",
        "count": [1, 0],
        "flops": [50_000, 0],
        "traffic_bytes": [400_000, 0],
        "latency_s": [41e-6, 0],
    }


def test_what_is_not_measured_is_not_there(diff):
    document = diff_document(diff)
    assert list(document["levels"]) == ["written"]
    assert document["regions"] is None
    assert document["notes"] == []


def test_measured_levels(measured_diff):
    levels = diff_document(measured_diff)["levels"]
    assert list(levels) == ["written", "executed", "executed_runtime", "measured"]
    assert levels["executed"]["delta"]["traffic_bytes"] == -400_000
    measured = levels["measured"]
    assert measured["before"] == {
        "latency_s": 100e-6,
        "low_s": 99e-6,
        "high_s": 101e-6,
        "runs": 4000,
    }
    assert [measured[n] for n in ("ratio", "ratio_low", "ratio_high")] == [0.8, 0.78, 0.82]
    assert (measured["noise_floor"], measured["smallest_detectable"]) == (0.01, 0.02)
    assert (measured["interval_level"], measured["predicted_ratio"]) == (0.99, 0.55)
    assert (measured["verdict"], measured["noisy"]) == ("faster", True)
    assert measured["conclusion"] == {"kind": "real", "sentence": "The saving is real."}


def test_how_far_the_rules_agree_with_the_runtime(measured_diff):
    rules = measured_diff.levels["executed"]
    conv, *rest = rules.after.nodes
    fused = (conv._replace(originals=("conv", "clip")), *rest)
    runtime = rules._replace(after=replace(rules.after, nodes=fused))
    levels = {**measured_diff.levels, "executed_runtime": runtime}
    documents = [
        diff_document(replace(measured_diff, levels=made))["levels"]["executed_runtime"]
        for made in (levels, {n: p for n, p in levels.items() if n != "executed"})
    ]
    assert documents[0]["agreement"] == {"before": 1, "after": pytest.approx(2 / 3)}
    assert documents[1]["agreement"] == {"before": None, "after": None}


def test_regions(measured_diff):
    document = diff_document(measured_diff)
    fused, came = document["regions"]["changed"]
    assert fused == {
        "count": 2,
        "operators": {
            "before": {"Clip": 1, "Conv": 1},
            "after": {"com.microsoft::FusedConv": 1},
        },
        "nodes": {"before": ["c0", "a0"], "after": ["c1"]},
        "predicted_s": [40e-6, 20e-6],
        "measured_s": [50e-6, 28e-6],
        "below_noise": False,
    }
    assert (came["operators"]["before"], came["predicted_s"]) == ({}, [0, None])
    assert document["regions"]["unchanged"]["measured_s"] == [50e-6, 50e-6]
    assert document["notes"] == ["something is left out"]


def test_without_a_profile_only_the_latency_is_measured(measured_diff):
    alone = replace(measured_diff.measured, regions=None, predicted_ratio=None)
    document = diff_document(as_written(measured_diff, measured=alone))
    assert list(document["levels"]) == ["written", "measured"]
    assert document["levels"]["measured"]["predicted_ratio"] is None
    assert document["regions"] is None


def test_diff_lists_the_nodes_that_changed(diff):
    conv, clip, cast = diff_document(diff)["nodes"]  # the view is the same
    assert conv["op_type"] == "Conv -> FusedConv"
    assert (conv["before"], conv["after"], conv["match"]) == (diff.pairs[0].name,) * 2 + ("tensor",)
    assert conv["latency_s"] == [41e-6, 43e-6]
    assert (clip["before"], clip["after"], clip["match"]) == ("clip", None, None)
    assert clip["traffic_bytes"] == [400_000, None]
    assert (cast["before"], cast["after"]) == (None, "cast")


def test_devices():
    (device,) = devices_document([find("x86-server-core")])["devices"]
    assert device["peaks"] == {"float32": 177e9, "int8": 708e9}  # 4 x 177e9
    assert device["bandwidth_per_core"] is None
    assert device["efficiency"]["conv"] == {"compute": 0.92, "memory": 1.0, "measured": True}
    assert device["sources"]


def test_same_input_same_bytes(cost, device, diff):
    assert dumps(cost_document(cost, device)) == dumps(cost_document(cost, device))
    assert dumps(diff_document(diff)) == dumps(diff_document(diff))
    assert dumps({"a": 1}) == '{\n  "a": 1\n}\n'


def test_profile(profiled):
    document = profile_document(profiled)
    assert document["schema"] == "ocost.profile/1"
    assert document["model"]["path"] == "models/toy.onnx"
    assert document["device"]["name"] == "toy"
    environment = document["environment"]
    assert (environment["cpu"], environment["level"], environment["threads"]) == (
        "Toy CPU",
        "all",
        1,
    )
    assert (environment["pinned"], environment["denormals"]) == (True, "flushed")
    assert document["measured"]["latency_s"] == 80e-6
    # 41 + 1 + 41 us; odd's cost is not known.
    assert document["predicted"]["latency_s"] == pytest.approx(83e-6)
    assert document["predicted"]["nodes"] == 3
    assert document["predicted"]["unknown"] == [
        {"node": "odd[0]", "op_type": "Odd", "reason": "no cost formula for my.domain::Odd"}
    ]
    attribution = document["attribution"]
    assert (attribution["executed_nodes"], attribution["mapped"]) == (4, 3)
    assert attribution["time_mapped_fraction"] == pytest.approx(74 / 80)
    assert attribution["originals_covered_fraction"] == pytest.approx(4 / 5)
    # |41 - 50| + |1 - 4| + |41 - 20| over 50 + 4 + 20
    assert document["statistics"]["weighted_error"] == pytest.approx(33 / 74)
    conv, *_, odd = document["nodes"]
    assert (conv["executed"], conv["domain"], conv["status"]) == (
        "/features/features.0/features.0.0/Conv",
        "com.microsoft.nchwc",
        "exact",
    )
    assert (conv["measured_s"], conv["predicted_s"], conv["predicted_high_s"]) == (
        50e-6,
        41e-6,
        None,
    )
    assert (odd["predicted_s"], odd["bound"], odd["originals"]) == (None, None, [])


def test_a_profile_s_times_of_originals(profiled):
    document = profile_document(profiled)
    times = {node["name"]: node for node in document["originals"]}
    # The Conv's 50 us in halves: of the BatchNormalization it is not known what it takes.
    assert times["/features/features.0/features.0.1/BatchNormalization"] == {
        "name": "/features/features.0/features.0.1/BatchNormalization",
        "status": "once",
        "measured_s": 25e-6,
        "apportioned": True,
    }
    assert times["odd[0]"]["measured_s"] is None
    assert document["attribution"]["unplaced"] == {"layout": 4e-6, "unmapped": 6e-6}
    (boundary,) = document["attribution"]["boundaries"]
    assert boundary["nodes"] == ["order"]
    placed = sum(node["measured_s"] or 0 for node in document["originals"])
    assert placed + 10e-6 == pytest.approx(sum(node["measured_s"] for node in document["nodes"]))
