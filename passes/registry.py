"""All passes, in the order in which they run."""

from __future__ import annotations

from ..rewrite.rewriting import Pass
from .activations import RecomposeActivations
from .attention import RecomposeAttention
from .batchnorm import FoldBatchNorm
from .casts import MergeCasts
from .channel_affine import MergeAffine
from .channel_padding import PadChannels
from .concats import MergeConcats
from .constant_if import InlineConstantIf
from .constants import FoldConstants
from .conv_affine import FoldAffine
from .cse import MergeDuplicates
from .dead_code import RemoveDeadCode
from .fuse_activation import FuseActivation
from .gathers import SimplifyGathers
from .gelu import RecomposeGelu
from .gemm import MergeGemm
from .layer_norm import RecomposeLayerNorm
from .merge_branches import MergeBranches
from .merge_sequential import MergeSequential
from .merge_siblings import MergeSiblings
from .noop import RemoveNoops
from .pads import FoldPads
from .pre_batchnorm import FoldPreBatchNorm
from .quantisation import CleanQuantisation
from .repeats import MergeRepeats
from .shape_chains import FoldShapeChains
from .slices import MergeSlices
from .transposes import CancelTransposes, ViewTransposes
from .views import MergeViews

PASSES: tuple[type[Pass], ...] = (
    # what cleans up
    CleanQuantisation,
    InlineConstantIf,
    MergeCasts,
    MergeRepeats,
    RemoveDeadCode,
    RemoveNoops,
    # folds
    FoldConstants,
    FoldShapeChains,
    MergeDuplicates,
    MergeAffine,  # before the folds into weights, which then have one thing to fold
    FoldAffine,
    FoldBatchNorm,
    FoldPads,
    FoldPreBatchNorm,  # one between two Convs goes into the first
    SimplifyGathers,
    CancelTransposes,
    ViewTransposes,
    # fusions
    MergeBranches,
    MergeConcats,
    MergeGemm,
    MergeSequential,
    MergeSlices,
    MergeViews,
    RecomposeActivations,
    RecomposeAttention,
    RecomposeGelu,
    RecomposeLayerNorm,
    # what pays only sometimes
    MergeSiblings,
    PadChannels,
    FuseActivation,  # after all others, which know Conv only
)
