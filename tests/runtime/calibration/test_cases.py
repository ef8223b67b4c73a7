"""Nodes that are made up: the runtime runs them, and their features hold."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ocost.costmodel.calibration.features import features_of
from ocost.costmodel.calibration.machine import Machine
from ocost.runtime.calibration import case as register
from ocost.runtime.calibration.case import Case, activation, cases, families, made_up
from ocost.runtime.calibration.measuring import measured
from ocost.runtime.calibration.pack import guessed_s, name, pack

_BLOCK = 16
_MACHINE = Machine(_BLOCK, (48e3, 2e6, 24e6))
_FAMILIES = pytest.mark.parametrize("family", families(), ids=lambda family: family.name)


def _small(family, count, block=_BLOCK):
    """The quickest of some nodes of a family."""
    random = np.random.default_rng(3)
    found = [made for _ in range(6 * count) if (made := made_up(family, random, block))]
    return sorted(found, key=guessed_s)[:count]


def _features(family, count=4):
    made = pack(_small(family, count), np.random.default_rng(3))
    order = [node.name for node in made.model.graph.node]
    return [None if c is None else features_of(c, _MACHINE) for c in made.costed(order)]


@_FAMILIES
def test_features_are_finite_and_names_stay(family):
    found = _features(family)
    assert found
    for features in found:
        assert features is not None
        assert all(math.isfinite(v) and v >= 0 for v in features.terms.values())
        assert all(math.isfinite(v) for v in features.coordinates.values())
    assert [f.kernel for f in _features(family)] == [f.kernel for f in found]


@_FAMILIES
def test_the_runtime_runs_each_case_as_it_is(family):
    found = _small(family, 3)
    times = measured(pack(found, np.random.default_rng(4)), 1, runs=1)
    assert {name(at) for at in range(len(found))} <= times.seconds.keys()


@_FAMILIES
def test_without_blocked_kernels_there_are_other_nodes_or_none(family):
    for found in _small(family, 2, block=1):
        assert found.domain != "com.microsoft.nchwc"


def test_shares_are_mostly_of_convolutions_and_products():
    shares = {family.name: family.share for family in families()}
    heavy = sum(share for name, share in shares.items() if "onvolution" in name or "MatMul" in name)
    assert heavy > 0.35 * sum(shares.values())
    assert len(shares) == len(families())  # no name twice


def test_a_family_is_added_by_one_function(monkeypatch):
    monkeypatch.setattr(register, "_FAMILIES", [])

    @cases("hyperbolic", 1)
    def hyperbolic(random, block):
        return Case("Sinh", (activation(int(random.integers(1, 9))),))

    (family,) = register._FAMILIES
    made = made_up(family, np.random.default_rng(0), _BLOCK)
    assert made is not None
    assert made.op_type == "Sinh"
