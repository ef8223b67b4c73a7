from __future__ import annotations

import pytest
from onnx import TensorProto

from ocost.costmodel.kinds import KernelKind
from ocost.costmodel.work import rules

INT64 = TensorProto.INT64
TABLE = (30000, 256)


def test_gather_reads_the_touched_rows(work):
    answer = work("Gather", [TABLE, (INT64, (1, 32))], [(1, 32, 256)])
    # 32 rows x 256, not 30000 x 256
    assert (answer.reads, answer.flops, answer.kind) == ({0: 8192}, 0, KernelKind.INDEXING)


def test_gather_reads_the_table_at_most_once(work):
    # 8 indices into 4 rows of 2: the table's 8 elements, not 16
    assert work("Gather", [(4, 2), (INT64, (8,))], [(8, 2)]).reads == {0: 8}


def test_gather_of_a_scalar_index(work):
    assert work("Gather", [(4, 2), (INT64, ())], [(2,)]).reads == {0: 2}


def test_what_gathers_reads_a_table_of_parameters():
    assert rules()["", "Gather"].weights == (0,)  # an embedding
    assert rules()["", "GatherND"].weights == (0,)  # a table of position biases
    assert rules()["", "ScatterND"].weights == ()


@pytest.mark.parametrize(
    ("op_type", "second", "out", "reads"),
    [
        ("GatherElements", (3, 5), (3, 5), 15),
        ("GatherND", (7, 1), (7, 10), 70),
        ("Compress", (6,), (4,), 4),
    ],
)
def test_others_read_what_they_return(work, op_type, second, out, reads):
    assert work(op_type, [(10, 10), (INT64, second)], [out]).reads == {0: reads}


def test_array_feature_extractor(work):
    answer = work("ArrayFeatureExtractor", [(6, 10), (INT64, (2,))], [(6, 2)], domain="ai.onnx.ml")
    # 6 rows x 2 columns
    assert answer.reads == {0: 12}


@pytest.mark.parametrize("op_type", ["Scatter", "ScatterElements", "ScatterND"])
def test_scatter_reads_and_writes_all(work, op_type):
    answer = work(op_type, [(10, 10), (INT64, (3, 5)), (3, 5)], [(10, 10)])
    assert (answer.flops, answer.reads, answer.writes) == (0, {}, {})


def test_scatter_with_a_reduction(work):
    answer = work("ScatterElements", [(9, 9), (INT64, (3, 5)), (3, 5)], [(9, 9)], reduction="add")
    # one addition for each of 3 x 5 updates
    assert answer.flops == 15


def test_tensor_scatter(work):
    cache = (1, 8, 64, 16)
    answer = work("TensorScatter", [cache, (1, 8, 1, 16), (INT64, (1,))], [cache])
    assert (answer.flops, answer.reads, answer.writes) == (0, {}, {})


def test_one_hot(work):
    answer = work("OneHot", [(INT64, (5,)), (INT64, ()), (2,)], [(5, 10)])
    assert (answer.flops, answer.kind) == (0, KernelKind.INDEXING)


def test_non_zero(work):
    # 24 comparisons
    assert work("NonZero", [(2, 3, 4)], [(INT64, (3, 24))]).flops == 24


def test_col2im(work):
    # one addition for each of 1 x (2 channels x 2 x 2) x 9 elements
    assert work("Col2Im", [(1, 8, 9), (2,), (2,)], [(1, 2, 4, 4)]).flops == 72
