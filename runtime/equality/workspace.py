"""Where a check works: a folder for models and arrays, and the child process that runs them."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from ...graph import Graph
from .child import Child, DiedError, LimitError, child
from .engines import Engine
from .stage import Staged, stage
from .transport import drop, get, put


class Workspace:
    """A context manager; what runs answered is gone when it is left.

    Parameters
    ----------
    seconds
        That opening a model, or one run of it, may take.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._folder = Path()
        self._held = ExitStack()
        self._child: Child | None = None
        self._open: tuple[Path, Engine] | None = None
        self._models = 0

    def __enter__(self) -> Workspace:
        """Make the folder."""
        # Windows keeps a mapped file until it is closed: then the folder stays behind.
        self._folder = Path(tempfile.mkdtemp(prefix="ocost-"))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove the folder, and give the child back."""
        with contextlib.suppress(DiedError):
            self._held.__exit__(kind, error, trace)
        shutil.rmtree(self._folder, ignore_errors=True)

    def place(self) -> Path:
        """A folder that is not there yet, for a model."""
        self._models += 1
        return self._folder / f"model{self._models}"

    def stage(self, graph: Graph) -> Staged:
        """Write a graph with its weights."""
        return stage(graph, self.place())

    @contextlib.contextmanager
    def staged(self, graph: Graph) -> Iterator[Staged]:
        """The same for a while: the files go when it is left."""
        made = self.stage(graph)
        try:
            yield made
        finally:
            made.remove()

    def open(self, staged: Staged, engine: Engine) -> None:
        """Open a model, if it is not what is open.

        Raises
        ------
        DiedError
            If the process ends over it, in a second try too, or takes too long.
        OcostError
            If the engine refuses it.
        """
        if self._open == (staged.path, engine) and self._child is not None and self._child.alive:
            return
        self._open = None
        try:
            self._ask(("open", str(staged.path), engine.value))
        except LimitError:
            raise
        except DiedError:
            # It may have suffered from what it ran before.
            self._renew()
            self._ask(("open", str(staged.path), engine.value))
        self._open = (staged.path, engine)

    def run(self, staged: Staged, engine: Engine, feeds: Mapping[str, Any]) -> Sequence[Any]:
        """What a model answers, in order.

        Raises
        ------
        DiedError
            If the process ends over it, in a second try too, or takes too long.
        OcostError
            If the model can't be opened or run.
        """
        sent = put(dict(feeds), self._folder, "in")
        request = ("run", sent, str(self._folder))
        try:
            self.open(staged, engine)
            try:
                answer = self._ask(request)
            except LimitError:
                raise
            except DiedError:
                self._renew()
                self.open(staged, engine)
                answer = self._ask(request)
        finally:
            drop(sent)
        outputs: Sequence[Any] = get(answer)
        return outputs

    def _ask(self, request: object) -> object:
        if self._child is None or not self._child.alive:
            self._child = self._held.enter_context(child())
        return self._child.ask(request, self._seconds)

    def _renew(self) -> None:
        self._open = None
        self._child = self._held.enter_context(child(fresh=True))
