"""The bundled models: complete, small, and able to run."""

import hashlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from ocost import models
from ocost.graph.errors import OcostError
from ocost.models import pack
from ocost.models.inputs import input_hints, make_inputs
from ocost.models.walk import walk

NAMES = [sample.name for sample in models.samples()]


@pytest.fixture(scope="module", params=NAMES)
def sample(request):
    """A bundled model's name, its proto as it lies there, and filled."""
    model = onnx.load(models.resolve(f"@{request.param}"))
    return request.param, model, pack.fill(model)


def _metadata(model, key):
    return next(p.value for p in model.metadata_props if p.key == key)


def test_the_table_is_what_is_there():
    folder = Path(models.__file__).parent
    files = sorted(folder.glob("*.onnx"))
    assert [file.stem for file in files] == NAMES
    assert sum(file.stat().st_size for file in files) < 2_000_000
    readme = (folder / "README.md").read_text(encoding="utf-8")
    for found in models.samples():
        (row,) = [line for line in readme.splitlines() if line.startswith(f"| `{found.name}` |")]
        assert found.description in row
        assert found.source in row
        assert found.licence in row


def test_metadata_tell_source_and_licence_and_nothing_local(sample):
    name, model, _ = sample
    (entry,) = [found for found in models.samples() if found.name == name]
    assert entry.licence in _metadata(model, "ocost.license")
    assert _metadata(model, "ocost.source")
    keys = {"ocost.source", "ocost.license", "ocost.inputs", "ocost.pack"}
    assert {p.key for p in model.metadata_props} == keys


def test_it_is_valid_and_runs(sample):
    _, model, filled = sample
    onnx.checker.check_model(filled)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        filled.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    feeds = make_inputs(model)
    assert set(feeds) == set(input_hints(model)) == {i.name for i in session.get_inputs()}
    for output in session.run(None, feeds):
        assert output.size
        assert np.isfinite(output).all()
        assert np.abs(output).max() > 0


def test_it_can_be_packed_again(sample):
    _, model, filled = sample
    packed = pack.pack(filled)
    assert packed.ByteSize() < 1.1 * model.ByteSize()
    assert pack.manifest(packed).keys() >= pack.manifest(model).keys()


# Models without BatchNormalization variances, whose last bit depends on the processor's exp.
@pytest.mark.parametrize(
    ("name", "data", "inputs"),
    [
        ("gpt2_4l", "3ce8fc57a8f133d6", "7d02afa578f636e6"),
        ("resnet18_qdq", "d0beee0b86c34864", "c4c013fd2c3e142f"),
        ("silero_vad", "8714d26513b3a73d", "bf4d6f4dc4820e85"),
    ],
)
def test_data_are_the_same_everywhere(name, data, inputs):
    model = onnx.load(models.resolve(f"@{name}"))
    of_data, of_inputs = hashlib.sha256(), hashlib.sha256()
    for tensor, _ in walk(pack.fill(model)):
        of_data.update(tensor.raw_data)
    for values in make_inputs(model).values():
        of_inputs.update(values.tobytes())
    assert of_data.hexdigest()[:16] == data
    assert of_inputs.hexdigest()[:16] == inputs


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        # 1 stem + 8 blocks of 2 + 3 projections.
        ("resnet18", {"Conv": 20, "BatchNormalization": 20}),
        # 1 stem + 1 block of 2 + 16 blocks of 3 + 1 last.
        ("mobilenet_v2", {"Conv": 52, "BatchNormalization": 52}),
        # 22 blocks of two convolutions; all but the 5 that change shape have an identity branch.
        ("repvgg_a0", {"Conv": 44, "BatchNormalization": 44 + 17}),
        # Conv, Add and the rest between pairs.
        ("resnet18_qdq", {"Conv": 20, "BatchNormalization": 0}),
        ("silero_vad", {"If": 1}),
    ],
)
def test_it_shows_what_it_is_for(name, counts):
    graph = onnx.load(models.resolve(f"@{name}")).graph
    found = Counter(node.op_type for node in graph.node)
    assert {op: found[op] for op in counts} == counts


def test_a_plain_path_is_taken_as_it_is():
    assert models.resolve("some/model.onnx") == Path("some/model.onnx")


def test_an_unknown_name_is_told_the_close_ones_and_all():
    with pytest.raises(OcostError) as caught:
        models.resolve("@mobilenetv2")
    message = str(caught.value)
    assert "did you mean @mobilenet_v2 or" in message
    assert all(f"@{name}" in message for name in NAMES)
    assert "\n" not in message
    with pytest.raises(OcostError, match="no sample model is called @zzzz: there are @gpt2_4l"):
        models.resolve("@zzzz")


def test_listing_samples_does_not_wait_for_onnx():
    code = "import sys, ocost.models as m; m.samples(); m.resolve('@resnet18'); print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"onnx", "numpy"} & set(out.stdout.split())
