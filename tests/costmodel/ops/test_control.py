from __future__ import annotations

import pytest

from ocost.costmodel.kinds import Kind


@pytest.mark.parametrize("op_type", ["If", "Loop", "Scan", "SequenceMap"])
def test_control_moves_and_computes_nothing_itself(work, op_type):
    answer = work(op_type, [(), None, (3,)], [(3,), (4,)])
    assert (answer.kind, answer.flops) == (Kind.CONTROL, 0)
    assert (answer.reads, answer.writes) == ({0: 0, 1: 0, 2: 0}, {0: 0, 1: 0})
