"""What was measured so far, in a file, so that an interrupted calibration goes on from there."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path

from ...graph import OcostError
from .measuring import Times

SCHEMA = "ocost.calibration/1"
Place = tuple[int, int, int]  # pass, round, pack


class Journal:
    """Times by where they belong; ``spent_s`` of measuring, waiting apart.

    Parameters
    ----------
    path
        A line of JSON each measurement; None keeps them in memory alone.
    about
        What they hold for: a file of anything else is refused.

    Raises
    ------
    OcostError
        If the file is of another machine, runtime or number of threads, or can't be written.
    """

    def __init__(self, path: Path | None, about: Mapping[str, object]) -> None:
        self._path = path
        self._times: dict[Place, Times] = {}
        self.spent_s = 0.0
        if path is None:
            return
        head = json.dumps({"schema": SCHEMA, "about": about}, sort_keys=True)
        text = _text(path)
        lines = text.splitlines()
        if lines and lines[0] != head:
            raise OcostError(
                f"{path} holds measurements that were interrupted, of another machine, runtime or "
                "number of threads: remove it to begin anew"
            )
        for line in lines[1:]:
            self._read(line)
        if not lines:
            self._append(head)
        elif not text.endswith("\n"):  # what comes next is no part of a line that is cut off
            self._append("")

    def get(self, place: Place) -> Times | None:
        """What was measured there."""
        return self._times.get(place)

    def add(self, place: Place, times: Times | None, spent_s: float) -> None:
        """Keep a measurement; None if the runtime refused the pack."""
        self.spent_s += spent_s
        kept = times or Times({})
        self._times[place] = kept
        if self._path is not None:
            entry = {"place": place, "nodes": kept.seconds, "spent": spent_s}
            self._append(json.dumps(entry))

    def close(self) -> None:
        """All is done: the file goes."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _read(self, line: str) -> None:
        with contextlib.suppress(ValueError, KeyError, TypeError):  # a last line that is cut off
            entry = json.loads(line)
            pass_, round_, pack = entry["place"]
            times = Times({str(k): float(v) for k, v in entry["nodes"].items()})
            self._times[int(pass_), int(round_), int(pack)] = times
            self.spent_s += float(entry["spent"])

    def _append(self, line: str) -> None:
        assert self._path is not None
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error:
            raise OcostError(f"{self._path}: can't write to it: {error.strerror}") from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise OcostError(f"{path}: can't read it: remove it to begin anew ({error})") from error
