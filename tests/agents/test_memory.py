"""Notes, insights and recommendations: bounded and one-lined."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from speciate.agents.memory import (
    Settings,
    digested,
    due,
    fresh,
    insights,
    noted,
    notes,
    recommendations,
    sampled,
)

SETTINGS = Settings(every=3, notes=5, insights=4, recommendations=2, longest=40)


def after(count: int) -> Mapping[str, Any]:
    state: Mapping[str, Any] = {}
    for number in range(1, count + 1):
        operator = "slerp" if number % 2 else "ties"
        state = noted(
            SETTINGS, state, f"child{number}", operator, (f"p{number}", "q"), f"n{number}"
        )
    return state


def test_notes_are_due_when_enough_are_fresh_and_the_oldest_are_forgotten() -> None:
    assert not due(SETTINGS, {})
    assert not due(SETTINGS, after(2))
    state = after(3)
    assert due(SETTINGS, state)
    state = digested(SETTINGS, state, 2, [], [])
    assert [note.text for note in fresh(state)] == ["n3"]
    assert not due(SETTINGS, state)
    assert [note.number for note in notes(after(9))] == [5, 6, 7, 8, 9]
    assert json.loads(json.dumps(after(9))) == after(9)


def test_an_older_digest_that_comes_late_makes_nothing_fresh_again() -> None:
    state = digested(SETTINGS, after(4), 4, [], [])
    assert fresh(digested(SETTINGS, state, 2, [], [])) == ()


def test_what_the_critic_says_again_is_kept_once_and_the_rest_falls_behind() -> None:
    state = digested(SETTINGS, {}, 0, ["a", "b", "c"], ["one", "two"])
    state = digested(SETTINGS, state, 0, ["d", "B"], ["three"])
    assert insights(state) == ("d", "B", "a", "c")
    assert recommendations(state) == ("three", "one")


@pytest.mark.parametrize("text", ["x" * 5000, "a\nb\x1b[31m\u202ec\t d", " \n ", ""])
def test_whatever_a_model_writes_stays_a_short_line(text: str) -> None:
    state = noted(SETTINGS, {}, "child", "slerp", (), text)
    state = digested(SETTINGS, state, 1, [text], [text])
    lines = [*(note.text for note in notes(state)), *insights(state), *recommendations(state)]
    assert len(lines) == (3 if text.strip() else 0)
    for line in lines:
        assert line.isprintable()
        assert 0 < len(line) <= 40


def test_a_recommendation_is_drawn_at_random() -> None:
    state = digested(SETTINGS, {}, 0, [], ["one", "two"])
    drawn = [sampled(state, np.random.default_rng(seed)) for seed in range(100)]
    assert 30 < drawn.count("one") < 70
    assert set(drawn) == {"one", "two"}
    assert sampled({}, np.random.default_rng(0)) is None
