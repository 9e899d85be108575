"""Answers: what is one, and how a metric becomes one."""

import numpy as np
import pytest

from speciate.errors import TaskError
from speciate.evaluator.items import bounded, checked


def test_a_metric_becomes_answers_in_either_direction() -> None:
    assert bounded([0.0, 5.0, 20.0], worst=0.0, best=10.0).tolist() == [0.0, 0.5, 1.0]
    assert bounded([0.0, 2.0, 8.0], worst=8.0, best=0.0).tolist() == [1.0, 0.75, 0.0]
    with pytest.raises(TaskError, match="both 1"):
        bounded([0.0], worst=1.0, best=1.0)


def test_answers_are_between_0_and_1_or_missing() -> None:
    assert np.isnan(checked([0, np.nan, 1], 1)[1])
    with pytest.raises(TaskError, match="not between 0 and 1"):
        checked([0.0, 1.1], 1)
    with pytest.raises(TaskError, match="shape"):
        checked([0.0, 1.0], 2)
