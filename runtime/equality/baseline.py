"""The model before, the inputs that it is compared on, and what it answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ...graph import Graph, OcostError
from ...graph.shapes import Given, Shapes, infer, prove
from ..feeds.inputs import make_feeds
from ..feeds.plan import plan
from .child import LimitError
from .closeness import By
from .comparable import how, is_quantised, step
from .engines import Engine
from .evidence import Record, flat, refer, shake
from .fitting import Fixed, Inputs, Noisy
from .randomness import Noise, draw_noise
from .stage import Staged
from .unrounded import unrounded
from .workspace import Workspace

LADDER = (Engine.RUNTIME, Engine.REFERENCE)
_SHARE = 4  # of the time that a check has, its first model may be run for one part


class UncomparableError(OcostError):
    """The model before can't be run on any input: nothing can be said of its outputs."""


class Baseline:
    """A model that others are compared with.

    Parameters
    ----------
    graph
        The root. Inputs are planned for it.
    noise
        What random nodes read; then ``noisy`` is the graph in which they do, and which is run.
    workspace
        Where it is run.
    given
        Shapes, dims and contents of inputs.
    feeds
        Inputs of the user's own; others are made up beside them.
    budget_s
        Seconds that a comparison may take.
    ladder
        What to run it with: the first that can.
    beside
        What it is compared with first: inputs are planned with a look at its constants too.

    Raises
    ------
    UncomparableError
        If nothing runs it.
    """

    def __init__(
        self,
        graph: Graph,
        workspace: Workspace,
        given: Given,
        *,
        feeds: Mapping[str, Any] | None = None,
        budget_s: float = 30.0,
        ladder: Sequence[Engine] = LADDER,
        noise: Sequence[Noise] = (),
        noisy: Graph | None = None,
        beside: Graph | None = None,
    ) -> None:
        self.graph, self.workspace, self._beside = graph, workspace, beside
        self._given, self._feeds, self._budget_s = given, feeds, budget_s
        self._noise = draw_noise(noise)
        self.quantised = is_quantised(graph)
        self.steps = {name: step(graph, name) for name in graph.outputs} if self.quantised else {}
        self._exact = unrounded(graph)
        self.notes: tuple[str, ...] = ()
        self.staged = workspace.stage(noisy or graph)
        self._late = False
        self._unreferred: str | None = None  # until it was tried
        reasons = []
        for engine in ladder:
            self.engine = engine
            try:
                self.records = self._records()
                break
            except OcostError as error:
                reasons.append(str(error))
            if self._late:  # what comes next is slower still
                raise UncomparableError(f"the model before can't be run: {reasons[-1]}")
        else:
            raise UncomparableError(f"the model before can't be run: {'; '.join(reasons)}")
        self.manners: dict[str, By] = {
            name: how(graph, name, array.dtype.name, quantised=self.quantised)
            for record in self.records
            for name, array in record.before.items()
        }

    def run(self, staged: Staged, draw: Inputs) -> Mapping[str, Any]:
        """What a model answers on an input.

        Raises
        ------
        DiedError, OcostError
            As ``Workspace.run``.
        """
        answer = self.workspace.run(staged, self.engine, {**draw.feeds(), **self._noise})
        return flat(staged.outputs, answer)

    def ordinary(self, most: int) -> Iterator[Inputs]:
        """The user's inputs or, where there are none, so many plain ones."""
        if self._feeds is not None:
            yield Fixed(self._feeds)
            return
        shapes = infer(self.graph, self._given)
        start = time.monotonic()
        for seed in range(most):
            yield Fixed(make_feeds(self.graph, shapes, seed=seed))
            if time.monotonic() - start > self._budget_s / _SHARE:
                return

    def always_empty(self, output: str) -> bool:
        """Whether an output has no elements in any run."""
        info = prove(self.graph).get(output)
        return info is not None and info.shape is not None and 0 in info.shape

    def shake(self, times: int) -> None:
        """Find out what rounding makes of the outputs, from so many samples in all."""
        self.shake_records(self.records, self.staged, times)
        for record in self.records:
            for name, size in self.steps.items():
                record.noise[name] = max(size, record.noise.get(name, 0.0))

    def shake_records(self, records: Sequence[Record], staged: Staged, times: int) -> None:
        """Find out what rounding makes of what a model answered on these inputs."""
        shake(
            records,
            self.workspace,
            staged,
            self.engine,
            {name: by for name, by in self.manners.items() if name not in self._exact},
            quantised=self.quantised,
            seconds=self._budget_s,
            times=times,
        )

    def refer(self) -> str:
        """Add the answers in float64; why that can't be done, "" if it can."""
        if self._unreferred is None:
            self._unreferred = self._refer()
        return self._unreferred

    def _refer(self) -> str:
        if self.quantised:
            return "rounding to quantisation steps is part of the model"
        shapes = self._shapes()
        if isinstance(shapes, str):
            return shapes
        return refer(self.records[0], self.workspace, self.staged, self.manners, shapes)

    def _shapes(self) -> Shapes | str:
        try:
            return infer(self.graph, self._given)
        except OcostError as error:
            return str(error)

    def _records(self) -> list[Record]:
        self.workspace.open(self.staged, self.engine)
        made = plan(
            self.graph,
            self._given,
            self._try,
            self._watch,
            feeds=self._feeds,
            beside=self._beside,
            budget_s=self._budget_s / _SHARE,
        )
        if not made.draws:
            raise OcostError(made.notes[0])
        records: list[Record] = []
        notes = list(made.notes)
        failed: OcostError | None = None
        start = time.monotonic()
        for number, draw in enumerate(made.draws):
            noisy = Noisy(draw, self._noise) if self._noise else draw
            try:
                records.append(Record(noisy, self.run(self.staged, noisy), steps=self.steps))
            except OcostError as error:
                failed = error
            taken = time.monotonic() - start
            left = len(made.draws) - number - 1
            if records and left and _SHARE * taken > self._budget_s:
                notes.append(f"compared on {len(records)} of {len(made.draws)} inputs: time was up")
                break
        self.notes = tuple(notes)
        if any(not record.draw.special for record in records):
            return records
        raise failed or OcostError("no input can be made for it")

    def _try(self, feeds: Mapping[str, Any]) -> object:
        if self._late:
            raise LimitError("a run of it takes too long")
        try:
            return self.workspace.run(self.staged, self.engine, {**feeds, **self._noise})
        except LimitError:
            self._late = True
            raise

    def _watch(self, tensors: Sequence[str]) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
        watching = self.staged.watching(tensors)

        def watched(feeds: Mapping[str, Any]) -> Mapping[str, Any]:
            answer = self.workspace.run(watching, self.engine, {**feeds, **self._noise})
            return dict(zip(watching.outputs, answer, strict=True))

        return watched
