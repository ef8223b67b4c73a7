"""Conv and its activation as one FusedConv."""

from __future__ import annotations

import numpy as np
import pytest

from ocost.graph import Graph, OcostError, from_proto, to_proto
from ocost.passes.fuse_activation import FuseActivation

from .conftest import model

FUSE = FuseActivation(target="ort-cpu")


def random(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)


def conv(curve: str, opset: int = 17, **constants: np.ndarray) -> Graph:
    return model(
        f"""g (float[N, 3, 8, 8] x) => (float[N, 4, 6, 6] y) {{
            c = Conv (x, w, b)
            y = {curve}
        }}""",
        opset=opset,
        w=random(4, 3, 3, 3),
        b=random(4),
        **constants,
    )


def scalar(value: float) -> np.ndarray:
    return np.array(value, np.float32)


@pytest.mark.parametrize(
    ("curve", "opset", "parameters"),
    [
        ("Relu (c)", 17, []),
        ("Sigmoid (c)", 17, []),
        ("Tanh (c)", 17, []),
        ("LeakyRelu (c)", 17, [0.01]),
        ("LeakyRelu <alpha = 0.25> (c)", 17, [0.25]),
        ("HardSigmoid (c)", 17, [0.2, 0.5]),
        ("HardSigmoid <alpha = 0.5, beta = 0.25> (c)", 17, [0.5, 0.25]),
        ("Clip (c, low, high)", 17, [-0.25, 0.5]),
        ("Clip (c, , high)", 17, [-3.4028234663852886e38, 0.5]),
        ("Clip (c, low)", 11, [-0.25, 3.4028234663852886e38]),
        ("Clip <min = -0.5, max = 0.25> (c)", 10, [-0.5, 0.25]),
    ],
)
def test_activations(run, curve: str, opset: int, parameters: list[float]) -> None:
    ran = run(FUSE, conv(curve, opset, low=scalar(-0.25), high=scalar(0.5)))
    (node,) = ran.graph
    assert node.qualified_type == "com.microsoft::FusedConv"
    assert node.string("activation", "") == curve.split(maxsplit=1)[0]
    given = node.attributes.get("activation_params")
    assert list(given.floats if given else []) == pytest.approx(parameters)


def test_a_model_that_does_not_import_the_domain_yet(run) -> None:
    proto = to_proto(conv("Relu (c)"))
    del proto.opset_import[1:]
    ran = run(FUSE, from_proto(proto))
    imported = {o.domain: o.version for o in to_proto(ran.graph).opset_import}
    assert imported == {"": 17, "com.microsoft": 1}


def test_nothing_without_a_target(run) -> None:
    ran = run(FuseActivation(), conv("Relu (c)"))
    assert (ran.ops, ran.reasons) == (["Conv", "Relu"], [])


def test_a_target_that_is_not_known() -> None:
    with pytest.raises(OcostError, match="target 'tflite' is not known; use 'ort-cpu'"):
        FuseActivation(target="tflite")


def test_bounds_that_are_computed(run) -> None:
    graph = model(
        """g (float[1, 3, 8, 8] x, float top) => (y) {
            c = Conv (x, w)
            y = Clip (c, , top)
        }""",
        w=random(4, 3, 3, 3),
    )
    assert run(FUSE, graph).reasons == ["the Clip's bound 'top' is not constant"]


def test_bounds_with_nothing_between(run) -> None:
    graph = conv("Clip (c, low, high)", low=scalar(0.5), high=scalar(-0.25))
    assert run(FUSE, graph).reasons == ["the Clip's bounds [0.5, -0.25] leave nothing between them"]


@pytest.mark.parametrize("dtype", ["float16", "double"])
def test_other_types(run, dtype: str) -> None:
    graph = model(
        f"g ({dtype}[1, 3, 8, 8] x) => (y) {{ c = Conv (x, w) y = Relu (c) }}",
        w=random(4, 3, 3, 3).astype(dtype),
    )
    assert run(FUSE, graph).reasons == ["FusedConv is for float32 only on a CPU"]


def test_a_conv_that_others_read(run) -> None:
    """As in x * sigmoid(x)."""
    graph = model(
        """g (float[1, 3, 8, 8] x) => (y) {
            c = Conv (x, w)
            s = Sigmoid (c)
            y = Mul (c, s)
        }""",
        w=random(4, 3, 3, 3),
    )
    assert run(FUSE, graph).reasons == ["'c' is also read by 'y'"]


def test_an_add_between_them_stays(run) -> None:
    """onnxruntime doesn't block a FusedConv of four inputs."""
    graph = model(
        """g (float[1, 3, 8, 8] x, float[1, 4, 6, 6] z) => (y) {
            c = Conv (x, w)
            a = Add (c, z)
            y = Relu (a)
        }""",
        w=random(4, 3, 3, 3),
    )
    ran = run(FUSE, graph)
    assert (ran.outcome.rewrites, ran.reasons) == ([], [])
