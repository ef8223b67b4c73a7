"""Which passes run, from what a user asks for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from typing import Any

from ..graph import OcostError
from ..graph.errors import did_you_mean
from ..passes import passes
from ..rewrite.rewriting import Pass
from .hindering import Hinders
from .onnxsim_optimizers import require_known, trusted
from .pipeline import ONNXSIM, Plan

PADDING = "pad-channels"
_ONNXSIM = f"{ONNXSIM}:"
_MULTIPLES = ("auto", "4", "8", "16", "32", "off")


def plan(
    *,
    only: Collection[str] = (),
    without: Collection[str] = (),
    onnxsim: bool = True,
    padding: str = "auto",
    target: str = "",
    opset: int | None = None,
    hinders: Hinders | None = None,
    **options: Any,  # noqa: ANN401 - fields of passes
) -> Plan:
    """The passes in order, each with the options that it knows.

    Parameters
    ----------
    only
        Names of the passes to run; all of them if empty.
    without
        Names of passes to leave out; ``onnxsim:NAME`` for one of onnxsim's optimisers.
    onnxsim
        Whether it runs between.
    padding
        A multiple to pad channels to, ``auto`` or ``off``.
    target
        ``ort-cpu`` to write what only onnxruntime's CPU provider knows.
    opset
        What to convert the model to before; None to leave it.
    hinders
        Says why a rewrite hinders the runtime, which is then left out.
    options
        What else passes have as fields, ``pays`` for one.

    Raises
    ------
    OcostError
        If there is no such pass or option.
    """
    known = passes()
    optimizers = [n.removeprefix(_ONNXSIM) for n in without if n.startswith(_ONNXSIM)]
    require_known(optimizers)
    without = [name for name in without if not name.startswith(_ONNXSIM)]
    for name in (*only, *without):
        if name not in known:
            raise OcostError(
                f"no pass {name!r}{did_you_mean(name, known)}; there are {', '.join(known)}"
            )
    if padding not in _MULTIPLES:
        raise OcostError(f"--pad-channels {padding}: give one of {', '.join(_MULTIPLES)}")
    if target not in ("", "ort-cpu"):
        raise OcostError(f"--target {target}: the only one is ort-cpu")
    off = {*without, *([PADDING] if padding == "off" else [])}
    given = {
        **options,
        "target": target,
        "multiple": int(padding) if padding.isdigit() else None,
    }
    chosen = (
        kind for name, kind in known.items() if name not in off and (not only or name in only)
    )
    run = tuple(name for name in trusted(target) if name not in optimizers)
    return Plan(tuple(_make(kind, given) for kind in chosen), onnxsim, run, opset, hinders)


def _make(kind: type[Pass], options: dict[str, Any]) -> Pass:
    return kind(**{f.name: options[f.name] for f in fields(kind) if f.name in options})
