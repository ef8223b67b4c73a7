"""One operator, run by onnxruntime as it stands, beside what rules say of it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from ocost.costmodel.cost import cost_nodes
from ocost.costmodel.footprint.register import packed_rules, scratch_rules
from ocost.graph import from_proto
from ocost.graph.shapes import infer
from ocost.runtime.onnxruntime.session import open_session, run_once
from ocost.runtime.onnxruntime.trace import read_profile
from ocost.runtime.protocol import Options, SessionLevel


class Seen(NamedTuple):
    """Bytes of packed weights, and of scratch memory and outputs, in pieces of 256."""

    packed: int
    working: int


Beside = Callable[..., tuple[Seen, Seen]]


def _up(size: int) -> int:
    return -(size // -256) * 256


@pytest.fixture
def beside(tmp_path: Path) -> Beside:
    """What rules say of a node, and what onnxruntime does.

    Arrays are fed, those in a list are constants of the model.
    """

    def run(
        op_type: str,
        *inputs: object,
        domain: str = "",
        made: Sequence[int] = (TensorProto.FLOAT,),
        threads: int = 1,
        **attributes: object,
    ) -> tuple[Seen, Seen]:
        feeds, constants, names = {}, [], []
        for slot, value in enumerate(inputs):
            name = f"i{slot}" if value is not None else ""
            names.append(name)
            if isinstance(value, list):
                constants.append(numpy_helper.from_array(value[0], name))
            elif isinstance(value, np.ndarray):
                feeds[name] = value
        outputs = [f"o{slot}" for slot, _ in enumerate(made)]
        info = helper.make_tensor_value_info
        graph = helper.make_graph(
            [helper.make_node(op_type, names, outputs, domain=domain, **attributes)],
            "one",
            [info(n, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for n, v in feeds.items()],
            [info(n, kind, None) for n, kind in zip(outputs, made, strict=True)],
            constants,
        )
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, ir_version=9, opset_imports=opsets)
        options = Options(threads, SessionLevel.DISABLE)
        session = open_session(model, options, profile_prefix=tmp_path / "one")
        run_once(session, feeds)
        arena = read_profile(session.end_profiling()).runs[0].events[-1].arena
        assert arena is not None
        kept = arena.in_use - arena.delta
        (costed,) = cost_nodes(infer(from_proto(model)))
        assert costed.call is not None
        key = domain, op_type
        packed = packed_rules().get(key, lambda _: {})(costed.call)
        scratch = scratch_rules().get(key, lambda _, __: ())(costed.call, threads)
        results = [t.size * {1: 4, 2: 1, 6: 4}[t.dtype] for t in costed.call.outputs if t]
        told = sum(sum(sizes) for sizes in packed.values())
        working = sum(map(_up, [*scratch, *results]))
        return Seen(told, working), Seen(kept, arena.high_water - kept)

    return run
