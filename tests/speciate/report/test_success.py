"""Improvement over the best parent."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from speciate.archive.archive import Archive
from speciate.report.people import people
from speciate.report.success import successes


def test_children_are_compared_with_their_best_parent(grown: Path) -> None:
    archive = Archive.open(grown)
    everyone = people(archive, lambda _, __: None)
    known = archive.individuals
    gains = [
        one.fitness - max(known[parent.id].fitness for parent in one.recipe.parents)
        for one in known.values()
        if one.recipe.operator == "linear"
    ]
    found = {one.name: one for one in successes(everyone, everyone.operators)}
    linear = found["linear"]
    assert (linear.offspring, linear.failed) == (40, 0)
    assert linear.better == sum(gain > 0 for gain in gains)
    assert linear.gain == pytest.approx(np.mean(gains))
    low, high = stats.t.interval(0.95, 39, np.mean(gains), stats.sem(gains))
    assert (linear.low, linear.high) == pytest.approx((low, high))
    slerp = found["slerp"]
    assert (slerp.offspring, slerp.failed, slerp.better) == (40, 40, 0)
    assert np.isnan([slerp.gain, slerp.low]).all()
    assert "founder" not in found


def test_one_child_has_no_interval(ended: Path) -> None:
    everyone = people(Archive.open(ended), lambda _, __: None)
    found = {one.name: one for one in successes(everyone, everyone.proposers)}
    baseline = found["baseline"]
    assert baseline.gain == pytest.approx(0.125)
    assert np.isnan([baseline.low, baseline.high]).all()
