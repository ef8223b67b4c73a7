import pytest

from ocost.costmodel.kinds import KernelKind
from ocost.costmodel.work import Unknown


@pytest.mark.parametrize(
    ("equation", "inputs", "output", "macs"),
    [
        ("ij,jk->ik", [(4, 5), (5, 6)], (4, 6), 120),  # 4 x 5 x 6
        ("ij, jk", [(4, 5), (5, 6)], (4, 6), 120),  # the output is implied
        ("bhqd,bhkd->bhqk", [(2, 3, 4, 8), (2, 3, 5, 8)], (2, 3, 4, 5), 960),  # 2x3x4x5x8
        ("...ij,...jk->...ik", [(2, 3, 4, 5), (3, 5, 6)], (2, 3, 4, 6), 720),  # 2x3x4x5x6
        ("...ij,jk", [(7, 4, 5), (5, 6)], (7, 4, 6), 840),  # 7x4x5x6
        ("ij,ij->", [(4, 5), (4, 5)], (), 20),
        # three operands: 3 x 4 x 5 x 6 twice
        ("ij,jk,kl->il", [(3, 4), (4, 5), (5, 6)], (3, 6), 720),
    ],
)
def test_contraction(work, equation, inputs, output, macs):
    done = work("Einsum", inputs, [output], equation=equation)
    assert (done.macs, done.flops, done.kind) == (macs, 2 * macs, KernelKind.MATMUL)


@pytest.mark.parametrize(
    ("equation", "tensors", "flops", "kind"),
    [
        ("i,j->ij", [(4,), (5,), (4, 5)], 20, KernelKind.ELEMENTWISE),  # 20 products
        ("bij,bij->bij", [(2, 3, 4), (2, 3, 4), (2, 3, 4)], 24, KernelKind.ELEMENTWISE),
        ("i,i,i->i", [(6,), (6,), (6,), (6,)], 12, KernelKind.ELEMENTWISE),  # two products each
        ("ij->ji", [(4, 5), (5, 4)], 0, KernelKind.LAYOUT),
        ("ii->i", [(4, 4), (4,)], 0, KernelKind.LAYOUT),
        ("ij->i", [(4, 5), (4,)], 16, KernelKind.REDUCTION),  # 20 - 4 additions
        ("ii->", [(4, 4), ()], 3, KernelKind.REDUCTION),  # 4 on the diagonal
        ("...i->...", [(2, 3, 4), (2, 3)], 18, KernelKind.REDUCTION),  # 24 - 6
    ],
)
def test_what_is_no_contraction(work, equation, tensors, flops, kind):
    *inputs, output = tensors
    done = work("Einsum", inputs, [output], equation=equation)
    assert (done.macs, done.flops, done.kind) == (0, flops, kind)


@pytest.mark.parametrize(
    ("equation", "reason"), [("ij->i", "one term for each input"), ("ij,jkl->il", "rank 2")]
)
def test_an_equation_that_does_not_fit(work, equation, reason):
    with pytest.raises(Unknown, match=reason):
        work("Einsum", [(4, 5), (5, 6)], [(4, 6)], equation=equation)
