from __future__ import annotations

import pytest

from ocost.costmodel.work import Unknown


@pytest.mark.parametrize("op_type", ["If", "Loop", "Scan"])
def test_a_body_that_can_not_be_followed_is_no_0(work, op_type):
    with pytest.raises(Unknown, match=f"^the body of {op_type} can't be followed$"):
        work(op_type, [(), None, (3,)], [(3,), (4,)])
