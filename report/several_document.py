"""The JSON document of several graphs against the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..compare.several import Several
from ..compare.slower import Cause, Slower, slower
from .blocks import Document, fields
from .diff_document import diff_document

_SHARED = ("schema", "before", "made_by", "device", "environment")
_Verdicts = Sequence[Mapping[str, object]]


def several_document(several: Several, gates: Sequence[_Verdicts]) -> Document:
    """The document of schema ``ocost.diff/1``: of the first graph after, with all graphs after.

    Parameters
    ----------
    several
        Graphs against the first.
    gates
        Of each: the verdicts on what ``--fail-on`` asked for.
    """
    names = several.names
    documents = [
        diff_document(diff, verdicts) for diff, verdicts in zip(several.diffs, gates, strict=True)
    ]
    afters = [
        {
            "name": name,
            **{field: value for field, value in document.items() if field not in _SHARED},
            "slower": [_slower(one) for one in slower(diff)],
        }
        for name, document, diff in zip(names[1:], documents, several.diffs, strict=True)
    ]
    all_gates = [
        {**verdict, "after": name}
        for name, verdicts in zip(names[1:], gates, strict=True)
        for verdict in verdicts
    ]
    return {
        **documents[0],
        "gates": all_gates,
        "name": names[0],
        "afters": afters,
        "order": _order(several),
    }


def _order(several: Several) -> Document:
    agreement = several.agreement
    return {
        "predicted": [several.names[place] for place in several.by_prediction],
        "measured": [several.names[place] for place in several.by_measurement] or None,
        "pairs_apart": None if agreement is None else agreement.apart,
        "pairs_in_order": None if agreement is None else agreement.in_order,
    }


def _slower(found: Slower) -> Document:
    return {
        "by": found.by,
        "latency_s": list(found.seconds),
        **fields(found, ("added_s", "saved_s")),
        "causes": [_cause(cause) for cause in found.causes],
    }


def _cause(cause: Cause) -> Document:
    return {
        "reason": cause.reason.why,
        "fix": cause.reason.fix or None,
        **fields(cause, ("added_s", "share")),
        "operators": dict(cause.operators),
        "nodes": [
            {
                "executed": node.path,
                "originals": list(node.originals),
                **fields(node, ("inserted", "added_s")),
            }
            for node in cause.nodes
        ],
    }
