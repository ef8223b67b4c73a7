import json
from dataclasses import replace
from importlib.resources import files

import jsonschema
import pytest

from ocost.costmodel.catalogue import devices, find
from ocost.costmodel.result import Totals
from ocost.report.cost_document import cost_document
from ocost.report.devices_document import devices_document
from ocost.report.diff_document import diff_document
from ocost.report.profile_document import profile_document
from ocost.report.schema import load, names

from .conftest import as_written


def check(document):
    jsonschema.Draft202012Validator(load(document["schema"])).validate(document)


def test_every_document_has_a_valid_schema():
    assert names() == (
        "ocost.cost/1",
        "ocost.devices/1",
        "ocost.diff/1",
        "ocost.optimize/1",
        "ocost.profile/1",
    )
    for name in names():
        jsonschema.Draft202012Validator.check_schema(load(name))


def test_no_other_has():
    with pytest.raises(KeyError):
        load("ocost.nothing/1")


def test_a_schema_lies_where_others_refer_to_it():
    folder = files("ocost.report") / "schemas"
    for file in folder.iterdir():
        assert json.loads(file.read_text(encoding="utf-8"))["$id"] == file.name


def test_cost(cost, known_cost, device, slow_device):
    check(cost_document(cost, device, [(slow_device, cost)]))
    check(cost_document(known_cost, device))


def test_diff(diff):
    check(diff_document(diff))
    gate = {"metric": "latency", "level": "written", "limit": "5%", "actual": "-3.0%", "ok": True}
    check(diff_document(diff, [gate]))


def test_measured_diff(measured_diff):
    check(diff_document(measured_diff))
    alone = replace(measured_diff.measured, regions=None, predicted_ratio=None)
    check(diff_document(as_written(measured_diff, measured=alone)))
    for level, figure in (("measured", "ratio_high"), ("executed_runtime", "agreement")):
        document = diff_document(measured_diff)
        del document["levels"][level][figure]
        with pytest.raises(jsonschema.ValidationError, match=f"'{figure}' is a required"):
            check(document)
    document = diff_document(measured_diff)
    del document["regions"]["changed"][0]["measured_s"]
    with pytest.raises(jsonschema.ValidationError, match="'measured_s' is a required"):
        check(document)


def test_devices():
    check(devices_document([find(name) for name in (*devices(), "host")]))


def test_profile(profiled):
    document = profile_document(profiled)
    check(document)
    assert json.loads(json.dumps(document)) == document
    contract = {
        "environment": ["cpu", "isa", "onnxruntime", "level", "threads", "pinned", "denormals"],
        "measured": ["latency_s", "low_s", "high_s"],
        "predicted": ["latency_s", "low_s", "high_s"],
        "attribution": ["executed_nodes", "mapped", "time_mapped_fraction"],
    }
    for block, fields in contract.items():
        for field in fields:
            broken = profile_document(profiled)
            del broken[block][field]
            with pytest.raises(jsonschema.ValidationError, match=f"'{field}' is a required"):
                check(broken)
    broken = profile_document(profiled)
    broken["nodes"][0]["status"] = "once"
    with pytest.raises(jsonschema.ValidationError, match="'once' is not one of"):
        check(broken)


def test_a_missing_figure_is_found(cost, diff, device):
    for name in Totals.names():
        document = cost_document(cost, device)
        del document["totals"][name]
        with pytest.raises(jsonschema.ValidationError, match=f"'{name}' is a required property"):
            check(document)
    document = diff_document(diff)
    del document["levels"]["written"]["delta"]["macs"]
    with pytest.raises(jsonschema.ValidationError, match="'macs' is a required property"):
        check(document)


def test_a_wrong_figure_is_found(cost, device):
    document = cost_document(cost, device)
    document["nodes"][0]["flops"] = "many"
    with pytest.raises(jsonschema.ValidationError, match="'many' is not of type"):
        check(document)


def test_fields_may_be_added(cost, device):
    document = cost_document(cost, device)
    document["totals"]["joules"] = document["nodes"][0]["colour"] = document["more"] = 1
    check(document)
