"""What ``ocost profile`` says in a sentence: the first and the last line of its page."""

from __future__ import annotations

from ..runtime.validation.profiled import Profiled
from .footing import LEAST
from .names import clean
from .numbers import percent_change, show
from .pieces import Headline
from .text_common import model_name, plural


def profile_verdict(profiled: Profiled) -> Headline:
    """What it took and what was expected, in a sentence."""
    found = profiled.validation
    name = model_name(profiled.written.model)
    measured = f"{show(found.measured.latency_s, 'seconds')} measured"
    style = "bold yellow" if found.measured.noisy else "bold"
    if found.predicted_s is None:
        return Headline([f"{measured}, nothing predicted"], style, name)
    predicted = f"{show(found.predicted_s, 'seconds')} predicted"
    where = f"{predicted} for {clean(profiled.device.name)}"
    if found.unpredicted:
        left = f"without {plural(len(found.unpredicted), 'node')} of unknown cost"
        said = [where, predicted]
        return Headline(
            [*(f"{measured}, {text} {left}" for text in said), f"{measured}, {LEAST}{predicted}"],
            style,
            name,
        )
    off = f"({percent_change(found.measured.latency_s, found.predicted_s)})"
    said = [f"{where} {off}", f"{predicted} {off}", predicted]
    return Headline([f"{measured}, {text}" for text in said], style, name)
