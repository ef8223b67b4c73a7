"""What the installed onnxruntime makes of the tiny graphs by which the lowering rules are judged.

The graphs lie in ``tests/passes/lowering/cases.json.gz``, weightless: their large tensors get
seeded contents here. Each is opened at five levels, and the operators of what is saved are counted
and compared with what is tabulated and with what the rules say. So a new release shows what it does
otherwise.

    python bench/lowering_cases.py                 # what differs from the table and from the rules
    python bench/lowering_cases.py -o cases.json.gz    # and the table with this release's column
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, helper, numpy_helper

from ocost.graph.load import from_proto
from ocost.graph.tensor import every_tensor
from ocost.passes.lowering import OptimizationLevel, Target, lower

TABLE = Path(__file__).parent.parent / "tests" / "passes" / "lowering" / "cases.json.gz"
_FLAGS = ("amx_tile", "avx512f", "avx2", "avx", "sse4_1")  # the best first


def read(path: Path = TABLE) -> dict[str, Any]:
    """The table: what was saved of each graph, by version and level."""
    found: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    return found


def model_of(case: dict[str, Any]) -> ModelProto:
    """The weightless model of a case."""
    return ModelProto.FromString(base64.b64decode(case["model"]))


def filled(model: ModelProto) -> ModelProto:
    """The model with seeded contents in the tensors that have none."""
    rng = np.random.default_rng(0)
    for tensor in every_tensor(model):
        size = int(np.prod(tensor.dims, dtype=np.int64))
        empty = not has_contents(tensor)
        if size and empty:
            _fill(tensor, rng)
    return model


def has_contents(tensor: TensorProto) -> bool:
    """Whether a tensor has contents."""
    fields = ("raw_data", "float_data", "int32_data", "int64_data", "double_data", "string_data")
    return any(len(getattr(tensor, name)) for name in (*fields, "uint64_data"))


def _fill(tensor: TensorProto, rng: np.random.Generator) -> None:
    shape = tuple(tensor.dims)
    dtype = np.dtype(helper.tensor_dtype_to_np_dtype(tensor.data_type))
    if dtype.kind == "f":
        made = numpy_helper.from_array((rng.random(shape) + 0.5).astype(dtype), tensor.name)
    elif dtype.kind in "iub" and not tensor.data_type > TensorProto.BFLOAT16:
        made = numpy_helper.from_array(rng.integers(0, 2, shape).astype(dtype), tensor.name)
    else:  # of 4 bits and the like
        values = rng.integers(0, 2, shape).reshape(-1).tolist()
        made = helper.make_tensor(tensor.name, tensor.data_type, shape, values)
    tensor.CopyFrom(made)


def counted(model: ModelProto) -> dict[str, int]:
    """Operators with their domains, and how many of each."""
    names = Counter(
        n.op_type if n.domain in ("", "ai.onnx") else f"{n.domain}:{n.op_type}"
        for n in model.graph.node
    )
    return dict(sorted(names.items()))


def saved(model: ModelProto, level: OptimizationLevel, folder: Path) -> dict[str, int] | None:
    """What onnxruntime executes of a model; None if it can't open it."""
    import onnxruntime as ort

    levels = ort.GraphOptimizationLevel
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.graph_optimization_level = {
        OptimizationLevel.DISABLE: levels.ORT_DISABLE_ALL,
        OptimizationLevel.BASIC: levels.ORT_ENABLE_BASIC,
        OptimizationLevel.EXTENDED: levels.ORT_ENABLE_EXTENDED,
        OptimizationLevel.LAYOUT: getattr(levels, "ORT_ENABLE_LAYOUT", levels.ORT_ENABLE_ALL),
        OptimizationLevel.ALL: levels.ORT_ENABLE_ALL,
    }[level]
    path = folder / "saved.onnx"
    path.unlink(missing_ok=True)
    options.optimized_model_filepath = str(path)
    try:
        ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception:  # its classes share no base of their own
        return None
    return counted(onnx.load(path))


def instruction_set() -> str:
    """The widest vectors that the processor says it has."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return "unknown"
    flags = next((line.split() for line in text.splitlines() if line.startswith("flags")), [])
    return next((flag for flag in _FLAGS if flag in flags), "unknown")


def by_rules(case: dict[str, Any], target: Target) -> dict[str, int]:
    """What the rules say of a case."""
    graph = lower(from_proto(model_of(case)), target).graph
    names = Counter(n.op_type if not n.domain else f"{n.domain}:{n.op_type}" for n in graph)
    return dict(sorted(names.items()))


def differing(
    column: dict[str, dict[str, dict[str, int] | None]], other: dict[str, Any]
) -> Iterator[str]:
    """Cases and levels of which two columns say different things."""
    for name, levels in column.items():
        for level, operators in levels.items():
            if operators != other[name].get(level):
                yield f"{level:9}{name}: {other[name].get(level)} -> {operators}"


def main(arguments: Sequence[str]) -> int:
    """Re-make the table's column for the installed release."""
    import onnxruntime as ort

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, help="where the new table goes")
    parser.add_argument("--only", default="", help="part of the names of the cases to run")
    options = parser.parse_args(arguments)
    ort.set_default_logger_severity(4)
    table, isa = read(), instruction_set()
    cases = [case for case in table["cases"] if options.only in case["name"]]
    version = ".".join(ort.__version__.split(".")[:2])
    block = 16 if isa in ("amx_tile", "avx512f") else 8
    target = Target(version=(int(version.split(".")[0]), int(version.split(".")[1])), block=block)
    column: dict[str, dict[str, dict[str, int] | None]] = {}
    rules: dict[str, dict[str, dict[str, int] | None]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for case in cases:
            model = filled(model_of(case))
            column[case["name"]], rules[case["name"]] = {}, {}
            for level in OptimizationLevel:
                key, at = level.name.lower(), Target(target.runtime, target.version, block, level)
                column[case["name"]][key] = saved(model, level, Path(folder))
                rules[case["name"]][key] = by_rules(case, at)
    newest = {case["name"]: case["saved"]["1.32"] for case in cases}
    print(f"onnxruntime {ort.__version__}, {isa}, channel block {block}, {len(cases)} graphs")
    for title, lines in (
        ("otherwise than 1.32 with block 16", list(differing(column, newest))),
        ("otherwise than the rules say", list(differing(column, rules))),
    ):
        print(f"\n{len(lines)} {title}:", *lines, sep="\n  ")
    if options.output is not None:
        key = version if block == 16 else f"{version}/{block}"
        for case in cases:
            if column[case["name"]] != case["saved"]["1.32"]:
                case["saved"][key] = column[case["name"]]
        table["versions"][key], table["isa"] = ort.__version__, isa
        text = json.dumps(table, separators=(",", ":")).encode()
        options.output.write_bytes(gzip.compress(text, 9, mtime=0))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
