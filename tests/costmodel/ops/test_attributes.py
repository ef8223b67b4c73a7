import pytest

from ocost.costmodel.ops.attributes import required_int
from ocost.costmodel.work import Unknown


def test_required_int(call):
    node = call("Attention", [], [], num_heads=8)
    assert required_int(node, "num_heads") == 8
    with pytest.raises(Unknown, match="Attention lacks its attribute kv_num_heads"):
        required_int(node, "kv_num_heads")
