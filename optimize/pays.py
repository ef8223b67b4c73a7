"""Whether a rewrite pays on a device, by what its runtime is known to do with convolutions.

Quick, for rewrites that change which kernel runs: convolutions and copies between layouts as
measured (``costmodel.conv_times``), the roofline for the rest. It is no estimate of a whole model's
latency. What it takes to launch a node counts for nothing: a Split of three outputs in place of two
MatMuls, a launch less, was measured to be 3 to 5 % slower on small tensors (onnxruntime 1.32).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from ..collection import uncollected
from ..costmodel.blocked import Convolution, Kernel, kernel, ridge_of
from ..costmodel.conv_times import MEASURED_BLOCK, Layer, layer_flop, reorder_flop
from ..costmodel.cost import Costed, cost_nodes
from ..costmodel.device import Device
from ..costmodel.estimators.roofline import estimate
from ..costmodel.kinds import Kind
from ..graph import Graph, dtypes
from ..graph.shapes import Given, Shapes, infer
from ..rewrite.rewriting import Pays

# The least gain: of the time of the nodes that differ, and of that of the whole graph. Padding has
# to gain more, for its times are known to a few percent.
LEAST, LEAST_OF_ALL = 0.02, 0.001
LEAST_OF_PADDING = 0.065
_EPILOGUES = (Kind.ELEMENTWISE, Kind.TRANSCENDENTAL, Kind.NORMALISATION)
_UNBLOCKED = frozenset({"PRelu", "Elu", "LayerNormalization", "InstanceNormalization"})


def estimate_pays(device: Device, given: Given | None = None) -> Pays:
    """A judge of rewrites for a device.

    On onnxruntime's CPU provider it knows the steps that time takes with channel counts; for
    other runtimes no such steps are known, so that more work never pays. What decides is the sum
    over all nodes that a rewrite touches: of convolutions that share padded channels some may
    lose. Blocks of other sizes than the one that was measured are not padded for.

    Parameters
    ----------
    device
        Where the model will run.
    given
        Sizes of inputs; what is left open is assumed 1.
    """
    model = _Model(device, given)

    def pays(before: Graph, after: Graph) -> bool:
        was_run, is_run = model.run(before), model.run(after)
        pads = _more_channels(was_run.layers, is_run.layers)
        if pads and model.block != MEASURED_BLOCK:
            return False
        old, new = was_run.times, is_run.times
        same = {name for name, seconds in old.items() if new.get(name) == seconds}
        was = sum(seconds for name, seconds in old.items() if name not in same)
        now = sum(seconds for name, seconds in new.items() if name not in same)
        least = LEAST_OF_PADDING if pads else LEAST
        return was - now > max(least * was, LEAST_OF_ALL * sum(old.values()))

    return pays


def _more_channels(before: Sequence[Layer], after: Sequence[Layer]) -> bool:
    """Whether the same convolutions, in order, have others channels in the second graph."""
    return len(before) == len(after) and list(before) != list(after)


class _Model:
    def __init__(self, device: Device, given: Given | None) -> None:
        on_cpu = device.runtime == "onnxruntime-cpu"
        self.block = device.channel_block if on_cpu else 1
        self.ridge = ridge_of(device)
        self.peak = device.peaks["float32"]
        self.device = replace(device, bandwidth=self.peak / self.ridge, overhead_s=0.0)
        self.given = given

    @uncollected()
    def run(self, graph: Graph) -> _Run:
        """The time of every node; copies between layouts go by their tensor's name.

        Raises
        ------
        OcostError
            If what is given contradicts the graph.
        """
        run = _Run(self, infer(graph, self.given))
        for costed in cost_nodes(run.shapes):
            run.node(costed)
        return run


class _Run:
    """Walks a graph in order and keeps in mind which tensors lie in blocks."""

    def __init__(self, model: _Model, shapes: Shapes) -> None:
        self.model, self.shapes = model, shapes
        self.times: dict[str, float] = {}
        self.layers: list[Layer] = []
        self._blocked: set[str] = set()
        self._sums: set[str] = set()  # convolutions' outputs that an epilogue may be fused to

    def node(self, costed: Costed) -> None:
        node, layer = costed.node, _layer(costed)
        if layer is not None:
            self._convolve(costed, layer)
            return
        fused = costed.cost.kind in _EPILOGUES and any(
            name in self._sums and len(self.shapes.graph.consumers(name)) == 1
            for name in node.inputs
        )
        if fused:
            self._sums.update(node.outputs)
        else:
            self.times[costed.cost.name] = self._roofline(costed)
        if self._stays_blocked(costed):
            self._blocked.update(node.outputs)
        else:
            for name in self._blocked.intersection(node.inputs):
                self._copy(name)

    def _convolve(self, costed: Costed, layer: Layer) -> None:
        model, node = self.model, costed.node
        self.layers.append(layer)
        runs = kernel(layer.conv, model.block)
        self.times[costed.cost.name] = layer_flop(layer, model.block) / model.peak
        if (node.inputs[0] in self._blocked) != (runs is Kernel.BLOCKED):
            self._copy(node.inputs[0])
        self._sums.update(node.outputs)
        if runs is not Kernel.PLAIN:
            self._blocked.update(node.outputs)

    def _roofline(self, costed: Costed) -> float:
        return estimate(costed.cost, self.model.device).latency_s or 0.0

    def _copy(self, name: str) -> None:
        """Into blocks or out of them, once for all readers."""
        info = self.shapes.get(name)
        batch, channels, *plane = (info and info.resolved) or (0, 0)
        flop = reorder_flop(
            channels, batch * prod(plane), self.model.block, into=name not in self._blocked
        )
        self.times[f"{name} in another layout"] = flop / self.model.peak

    def _stays_blocked(self, costed: Costed) -> bool:
        """Whether an operator works on blocks as they lie, by the rules of the runtime."""
        node, kind, call = costed.node, costed.cost.kind, costed.call
        if call is None or node.op_type in _UNBLOCKED:
            return False
        infos = {name: self.shapes.get(name) for name in node.inputs if name}
        read = [name for name, info in infos.items() if info is None or not info.constant]
        if not read or not self._blocked.issuperset(read):
            return False
        shapes = [info.resolved for name, info in infos.items() if name in read and info]
        whole = all(shape and shape[1] % self.model.block == 0 for shape in shapes)
        if node.op_type == "Concat":
            return whole and node.int("axis", 1) == 1
        if kind is Kind.POOLING:
            return whole
        return kind in _EPILOGUES and len(set(shapes)) == 1


def _layer(costed: Costed) -> Layer | None:
    call, node = costed.call, costed.node
    if call is None or node.qualified_type != "Conv" or len(call.output().shape) != 4:
        return None
    if call.input(0).dtype != dtypes.FLOAT or not prod(call.output().shape):
        return None
    outputs, each, *taps = call.input(1).shape
    batch, _, height, width = call.output().shape
    group = node.int("group", 1)
    conv = Convolution(each * group, outputs, group, tuple(taps), width)
    return Layer(conv, batch * height, max(node.ints("strides") or (1,)))
