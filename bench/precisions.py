"""One model in five precisions: are they predicted in the order in which they measure?

float32 is the file. The others are made of it by onnxruntime's tools: float16; 8-bit integers with
QuantizeLinear pairs (``qdq``) and as operators on integers (``qop``), calibrated on random inputs,
uint8 activations and int8 weights; and quantised dynamically (``dynamic``, uint8 weights). Every
pair is timed in turns on one core, and compared with what the device's runtime is predicted to take
for it by rules. A pair counts if it measures at least 15 % apart, with an interval without 1. The
exit code is 1 if one that counts is predicted in the wrong order. With ``-o`` the table becomes a
page.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import combinations
from pathlib import Path

import onnx
from onnx import ModelProto
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import convert_float_to_float16
from tables import environment, model_files, table

from ocost import cost, find_device
from ocost.costmodel import Device
from ocost.graph import from_proto, load, to_proto
from ocost.graph.shapes import infer
from ocost.runtime.feeds.draws import Value
from ocost.runtime.feeds.inputs import make_feeds
from ocost.runtime.onnxruntime.session import open_session, run_once
from ocost.runtime.protocol import Options
from ocost.runtime.timing.comparison import compare
from ocost.runtime.timing.stopwatch import Run, pinned

APART = 0.15  # of the time, from which on a pair has to be in order
CALIBRATION = 4  # inputs
_PAGE = """# Precisions, predicted and measured

`bench/precisions.py` makes float16, quantised and dynamically quantised variants of float32 models,
predicts by rules what onnxruntime takes for each on the host, one core at work, and times all pairs
in turns. A pair counts where it measures at least 15 % apart, with an interval without 1. What is
known before is the order: whether quantising pays, and which way of it. How much it pays is known
only roughly: 8-bit convolutions are predicted faster than they are.

{said} {where}

{table}
"""

Feeds = Mapping[str, Value]


class Random(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    """Random inputs to calibrate with."""

    def __init__(self, feeds: Sequence[Feeds]) -> None:
        self._left = list(feeds)

    def get_next(self) -> Feeds | None:
        """The next one."""
        return self._left.pop() if self._left else None


def variants(model: ModelProto, feeds: Sequence[Feeds]) -> Iterator[tuple[str, ModelProto]]:
    """The model in each precision."""
    yield "float32", model
    half = onnx.ModelProto.FromString(model.SerializeToString())
    yield "float16", convert_float_to_float16(half, keep_io_types=True)
    with tempfile.TemporaryDirectory() as folder:
        given, ready, made = (Path(folder, f"{name}.onnx") for name in ("given", "ready", "made"))
        onnx.save(model, given)
        quant_pre_process(given, ready, skip_symbolic_shape=True)
        for name, form in (("qdq", QuantFormat.QDQ), ("qop", QuantFormat.QOperator)):
            quantize_static(
                ready,
                made,
                Random(feeds),
                quant_format=form,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
            )
            yield name, onnx.load(made)
        quantize_dynamic(ready, made, weight_type=QuantType.QUInt8)
        yield "dynamic", onnx.load(made)


def opener(model: ModelProto, feeds: Feeds) -> Run:
    """A session that runs once when called."""
    return partial(run_once, open_session(model, Options()), feeds)


def rows(file: Path, device: Device, budget_s: float) -> list[list[str]]:
    """A row for each pair that measures apart."""
    graph = load(file)
    model = to_proto(graph, "filled")
    shapes = infer(graph)
    feeds = [make_feeds(graph, shapes, seed=seed) for seed in range(CALIBRATION)]
    made = dict(variants(model, feeds))
    predicted = {
        name: cost(from_proto(other), device, level="executed").totals.latency_s or float("nan")
        for name, other in made.items()
    }
    found = []
    with pinned():
        for one, other in combinations(made, 2):
            measured = compare(
                partial(opener, made[one], feeds[0]),
                partial(opener, made[other], feeds[0]),
                budget_s=budget_s,
            )
            ratio = predicted[other] / predicted[one]
            far = max(measured.ratio, 1 / measured.ratio) >= 1 + APART
            sure = measured.low > 1 or measured.high < 1
            in_order = (ratio > 1) == (measured.ratio > 1)
            right = "-" if not (far and sure) else "yes" if in_order else "**no**"
            interval = f"{measured.low:.2f} to {measured.high:.2f}"
            figures = [f"{measured.ratio:.2f}", interval, f"{ratio:.2f}", right]
            found.append([file.stem, f"{other} / {one}", *figures])
            print(*found[-1], file=sys.stderr)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and how many pairs are in order."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("models", type=Path, nargs="+", help="float32 models, or folders of them")
    parser.add_argument("--device", default="host")
    parser.add_argument("--budget", type=float, default=4.0, help="seconds a pair")
    parser.add_argument("-o", "--output", type=Path, help="the page to write")
    options = parser.parse_args(arguments)
    device = find_device(options.device, threads=1)
    found = [
        row for file in model_files(options.models) for row in rows(file, device, options.budget)
    ]
    counted = [row[-1] for row in found if row[-1] != "-"]
    wrong = counted.count("**no**")
    said = f"{len(counted) - wrong} of {len(counted)} pairs that measure apart are in order."
    listed = table(["model", "pair", "measured", "interval", "predicted", "in order"], found, 2)
    print(f"{listed}\n\n{said}")
    if options.output:
        page = _PAGE.format(where=environment("onnxruntime"), said=said, table=listed)
        options.output.write_text(page, encoding="utf-8")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
