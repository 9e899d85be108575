"""Paired gains: sign, coverage, and degenerate cases."""

import numpy as np
import pytest

from speciate.evaluator.statistics import paired_gain


def test_sign_follows_the_metric() -> None:
    ours, theirs = [0.0, 0.0, 1.0, 0.0], [1.0, 1.0, 1.0, 0.0]
    assert paired_gain(ours, theirs, higher_is_better=True).mean == -0.5
    assert paired_gain(ours, theirs, higher_is_better=False).mean == 0.5


def test_same_answers_have_no_gain_and_no_width() -> None:
    gain = paired_gain([1.0, 0.0], [1.0, 0.0], higher_is_better=True)
    assert (gain.mean, gain.low, gain.high, gain.is_clear) == (0.0, 0.0, 0.0, False)


def test_interval_is_reproducible_and_needs_pairs() -> None:
    values = np.random.default_rng(0).normal(size=50).tolist()
    other = [0.0] * 50
    assert paired_gain(values, other, True) == paired_gain(values, other, True)
    with pytest.raises(ValueError, match="paired"):
        paired_gain([1.0], [1.0, 2.0], True)


def test_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(60):
        noise = rng.normal(0.2, 1, size=60)
        gain = paired_gain(noise.tolist(), [0.0] * 60, True)
        covered += gain.low <= 0.2 <= gain.high
    # Binomial(60, 0.95) lies below 52 once in two hundred times.
    assert covered >= 52


def test_pairing_narrows_the_interval() -> None:
    rng = np.random.default_rng(2)
    easy = rng.normal(0, 1, size=200)
    paired = paired_gain((easy + 0.1 + rng.normal(0, 0.01, 200)).tolist(), easy.tolist(), True)
    unpaired = paired_gain((rng.permutation(easy) + 0.1).tolist(), easy.tolist(), True)
    assert paired.high - paired.low < (unpaired.high - unpaired.low) / 10
    assert paired.is_clear
    assert not unpaired.is_clear
