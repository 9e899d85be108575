"""The bandit: agents earn their slots, bad ones cost few evaluations, mute ones none."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from speciate.agents.bandit import STRATEGY, arms_of, choose, gain, told, worths
from speciate.configs.agents import Choice

SETTINGS = Choice()
# Chance of a gain and its mean size; None is an arm that never brings a usable recipe.
ODDS: dict[str, tuple[float, float] | None] = {
    STRATEGY: (0.1, 1.0),
    "good": (0.3, 2.0),
    "bad": (0.0, 0.0),
    "poor": (0.03, 1.0),
    "mute": None,
}


def course(
    seed: int, arms: Sequence[str], evaluations: int, lag: int = 8, unit: float = 1.0
) -> tuple[list[str], dict[str, Any]]:
    """Whose children were evaluated, in order, and the last state."""
    choices, gains = np.random.default_rng([seed, 0]), np.random.default_rng([seed, 1])
    state: dict[str, Any] = {}
    waiting: list[str] = []
    spent: list[str] = []
    while len(spent) < evaluations:
        chosen, state = choose(SETTINGS, state, arms, lag - len(waiting), choices)
        for arm in chosen:
            if ODDS[arm] is None:
                state = told(SETTINGS, state, arm, None, 1.0)
            waiting.append(STRATEGY if ODDS[arm] is None else arm)
        spent.append(waiting.pop(0))
        chance, size = ODDS[spent[-1]] or (0.0, 0.0)
        luck, length = gains.random(), gains.exponential()
        gained = unit * size * length if luck < chance else 0.0
        state = told(SETTINGS, state, spent[-1], gained, float(spent[-1] != STRATEGY))
    return spent, state


def share(arm: str, spent: Sequence[str]) -> float:
    return spent.count(arm) / len(spent)


@pytest.mark.parametrize("lag", [1, 16])
@pytest.mark.parametrize("arms", [("bad",), ("bad", "good", "mute")])
def test_a_bad_agent_gets_at_most_a_tenth_of_a_hundred_and_less_of_more(
    arms: tuple[str, ...], lag: int
) -> None:
    for seed in range(8):
        spent, state = course(seed, arms, 200, lag)
        assert 0 < share("bad", spent[:100]) <= 0.1
        assert share("bad", spent) <= 0.075
        assert arms_of(state)["bad"].idle > 5


def test_a_bad_agent_costs_no_more_for_having_many_families(monkeypatch: Any) -> None:
    arms = [f"bad:{family}" for family in "abc"]
    monkeypatch.setattr(f"{__name__}.ODDS", ODDS | dict.fromkeys(arms, ODDS["bad"]))
    for seed in range(8):
        spent, _ = course(seed, (*arms, "good"), 100)
        assert 0 < sum(share(arm, spent) for arm in arms) <= 0.1
        assert set(arms) <= set(spent), "each was tried"


def test_a_good_agent_gets_most_evaluations_and_the_strategy_keeps_some() -> None:
    found = [course(seed, ("bad", "mute", "good"), 400)[0] for seed in range(5)]
    assert np.median([share("good", spent[200:]) for spent in found]) > 0.5
    assert all(share(STRATEGY, spent) > 0.1 for spent in found)


def test_a_poor_agent_does_not_rule_for_a_stroke_of_luck() -> None:
    state = told(SETTINGS, {}, "poor", 1.0, 1.0)
    random = np.random.default_rng(0)
    spent = []
    for _ in range(100):
        (arm,), state = choose(SETTINGS, state, ["poor"], 1, random)
        state = told(SETTINGS, state, arm, 0.0, 1.0)
        spent.append(arm)
    assert 5 < spent.count("poor") < 30


def test_a_mute_agent_costs_no_evaluation_and_is_asked_ever_more_rarely() -> None:
    spent, state = course(3, ("mute",), 400)
    assert set(spent) == {STRATEGY}
    arms = arms_of(state)
    assert arms["mute"].pulls == arms["mute"].failed < 25
    assert arms[STRATEGY].pulls == 400 + 7  # and those under way
    assert arms[STRATEGY].pending == 7


def test_choices_do_not_depend_on_the_unit_of_fitness() -> None:
    arms = ("good", "bad")
    assert course(1, arms, 150)[0] == course(1, arms, 150, unit=1e-6)[0]
    assert course(1, arms, 150)[0] == course(1, arms, 150, unit=1e6)[0]


def test_unseen_arms_come_one_at_a_time_with_others_in_between() -> None:
    chosen, state = choose(SETTINGS, {}, ["a", "b", "c"], 8, np.random.default_rng(0))
    first = [chosen.index(arm) for arm in "abc"]
    assert first == sorted(first)
    assert min(np.diff(first)) >= 2
    assert Counter(chosen)[STRATEGY] >= 4
    again, _ = choose(SETTINGS, state, ["a", "b", "c"], 20, np.random.default_rng(1))
    assert Counter(again)[STRATEGY] >= 14, "nothing has gained: the strategy's stand"


def test_slots_of_one_ask_go_to_several_arms_of_about_equal_worth() -> None:
    state: dict[str, Any] = {}
    for arm in ("a", "b") * 5:
        state = told(SETTINGS, state, arm, 1.0, 1.0)
    chosen, after = choose(SETTINGS, state, ["a", "b"], 10, np.random.default_rng(0))
    assert min(Counter(chosen)["a"], Counter(chosen)["b"]) >= 3
    assert sum(arm.pending for arm in arms_of(after).values()) == 10


def test_of_equal_agents_the_cheap_one_is_worth_more() -> None:
    state: Mapping[str, Any] = {}
    for arm, cost in (("cheap", 1.0), ("dear", 10.0)) * 3:
        state = told(SETTINGS, state, arm, 1.0, cost)
    worth = worths(SETTINGS, state, ["cheap", "dear"])
    assert worth["dear"] < worth["cheap"] < 1.2 * worth["dear"]
    careless = worths(Choice(thrift=0.0), state, ["cheap", "dear"])
    assert careless["dear"] > worth["dear"]


def test_an_idle_arm_is_never_given_up() -> None:
    state: Mapping[str, Any] = {}
    for _ in range(200):
        state = told(SETTINGS, state, "bad", 0.0, 1.0)
    chosen, _ = choose(SETTINGS, state, ["bad"], 2000, np.random.default_rng(0))
    assert 0 < chosen.count("bad") < 30


def test_what_an_agent_once_gained_fades_when_it_falls_silent() -> None:
    state: Mapping[str, Any] = {}
    for _ in range(10):
        state = told(SETTINGS, state, "agent", 1.0, 1.0)
    before = worths(SETTINGS, state, ["agent"])["agent"]
    for _ in range(20):
        state = told(SETTINGS, state, "agent", None, 1.0)
    assert worths(SETTINGS, state, ["agent"])["agent"] < before / 3


def test_the_state_is_json_and_the_same_for_the_same_stream() -> None:
    spent, state = course(5, ("good", "bad", "mute"), 60)
    again, other = course(5, ("good", "bad", "mute"), 60)
    assert (spent, state) == (again, other)
    assert json.loads(json.dumps(state)) == state


@pytest.mark.parametrize(
    ("fitness", "parents", "living", "expected"),
    [
        (0.7, [0.5, 0.6], [0.1, 0.2, 0.3], 0.1),
        (0.55, [0.5, 0.6], [0.1], 0.0),
        (0.4, [0.1, 0.2], [0.1, 0.5, 0.9], 0.0),
        (0.8, [0.1, 0.2], [0.1, 0.5, 0.9], 0.3),
        (None, [0.1], [0.2], 0.0),
        (0.3, [], [], 0.0),
    ],
)
def test_a_gain_is_over_the_best_parent_and_the_median_of_the_living(
    fitness: float | None, parents: list[float], living: list[float], expected: float
) -> None:
    assert gain(fitness, parents, living) == pytest.approx(expected)
