"""The asynchronous strategy: its window, what proposals depend on, and that it finds something."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from speciate.configs.schema import SteadyState
from speciate.records import Individual, Proposal, Recipe

windows = st.integers(1, 9).flatmap(lambda lag: st.tuples(st.just(lag), st.integers(1, lag)))
POOR = (-0.2, 0.9, 0.3, 0.2)  # A place outside of all averages of the founders.


def proposals(toy: Any, one: Any, score: Any) -> list[Proposal]:
    """All proposals by number, with the window checked at every step."""
    states, known = toy.play(one, score)
    found: list[Proposal] = []
    for state in states:
        found += one.ask(state, known) or ()
        told = state.asked - len(state.pending)
        assert len(found) - told == min(one.config.lag, one.config.evaluations - told)
    assert [proposal.number for proposal in found] == list(range(one.config.evaluations))
    return found


@settings(max_examples=25, deadline=None)
@given(windows, st.integers(1, 30), st.integers(0, 3))
def test_the_window_is_full_and_never_overfull(
    toy: Any, window: tuple[int, int], evaluations: int, seed: int
) -> None:
    lag, batch = window
    proposals(
        toy,
        toy.strategy("steady_state", seed, lag=lag, batch=batch, evaluations=evaluations),
        toy.random,
    )


@settings(max_examples=25, deadline=None)
@given(windows, st.integers(0, 29), st.sampled_from(["pairs", "all", "founders"]))
def test_a_proposal_depends_on_no_result_within_its_window(
    toy: Any, window: tuple[int, int], changed: int, founding: str
) -> None:
    lag, batch = window
    more = {"lag": lag, "batch": batch, "founding": founding, "crossover_rate": 0.5}

    def with_result(value: float) -> list[Proposal]:
        one = toy.strategy("steady_state", **more)
        seen: list[str] = list(toy.ids)

        def score(recipe: Recipe) -> Mapping[str, float]:
            if recipe.id not in seen:
                seen.append(recipe.id)
            place = seen.index(recipe.id) - len(toy.ids)
            mine = value if place == changed else toy.hashed(recipe.id)
            return {"one": mine, "two": mine}

        return proposals(toy, one, score)

    best, worst = with_result(1.0), with_result(0.0)
    told_before = changed // batch * batch
    assert best[: told_before + lag] == worst[: told_before + lag]


@settings(max_examples=10, deadline=None)
@given(windows, st.integers(0, 5))
def test_results_that_came_in_early_change_nothing(
    toy: Any, window: tuple[int, int], seed: int
) -> None:
    lag, batch = window
    one = toy.strategy("steady_state", seed, lag=lag, batch=batch)
    states, everyone = toy.play(one, toy.random)
    assert toy.play(one, toy.random, others=everyone)[0] == states


def test_with_room_for_one_it_is_told_of_each_before_the_next(toy: Any) -> None:
    states, known = toy.play(toy.strategy("steady_state", lag=1))
    assert all(not state.pending for state in states)
    for state in states[-10:]:
        (proposal,) = toy.strategy("steady_state", lag=1).ask(state, known) or [None]
        if proposal:
            assert {parent.id for parent in proposal.recipe.parents} <= set(state.members)


def test_batches_enter_one_by_one(toy: Any) -> None:
    """Members after a batch are those that single steps with the same results would leave."""
    one = toy.strategy("steady_state", batch=4, lag=8)
    single = toy.strategy("steady_state", batch=1, lag=8)
    states, known = toy.play(one)
    for before, after in pairwise(states):
        state = toy.asking(before, one.ask(before, known))
        due = one.due(state)
        for proposal in state.pending[:due]:
            state = single.tell(state.told(1), [known[proposal.recipe.id]], known)
        assert state.members == after.members


def test_the_best_ever_seen_lives(toy: Any) -> None:
    states, known = toy.play(toy.strategy("steady_state"))
    for state in states:
        told = [one for one in known.values() if one.step < state.step]
        order = sorted(told, key=lambda one: (-one.fitness, one.id))
        # All founders and children compete for six places.
        assert list(state.members) == [one.id for one in order[:6]]


def test_the_founding_comes_first_and_counts(toy: Any) -> None:
    found = proposals(toy, toy.strategy("steady_state", evaluations=10), toy.random)
    reasons = [proposal.reason for proposal in found]
    assert reasons[:6] == ["founding"] * 6
    assert "founding" not in reasons[6:]
    pairs = {proposal.recipe.with_role("model") for proposal in found[:6]}
    assert len(pairs) == 6


def test_weights_that_live_already_do_not_come_in_again(toy: Any) -> None:
    one = toy.strategy("steady_state")
    states, known = toy.play(one, steps=10)
    state = states[-1]
    twin = known[state.members[0]]
    copy = Individual(
        Recipe("linear", (), {}, 9), twin.digest, state.step, "test", "", twin.evaluation
    )
    assert one.tell(state, [copy], known | {copy.id: copy}).members == state.members


def test_the_oldest_leave_whatever_they_are_worth(toy: Any) -> None:
    one = toy.strategy("steady_state", replace="oldest", evaluations=20)
    states, known = toy.play(one)
    ages = [known[name].step for name in states[-1].members]
    assert sorted(ages) == list(range(15, 21))


def test_who_breaks_a_constraint_leaves_before_the_oldest(toy: Any) -> None:
    floor = toy.constraint(kind="floor", task="one", at_least=0.3)
    one = toy.strategy("steady_state", replace="oldest", constraints=[floor])
    states, known = toy.play(one, toy.random)
    assert all(known[name].evaluation.scores["one"].value >= 0.3 for name in states[-1].members)


def test_several_objectives_keep_the_ends_of_the_front(toy: Any) -> None:
    one = toy.strategy("steady_state", objectives=["one", "two"])
    states, known = toy.play(one, toy.random)
    for task in ("one", "two"):
        scored = {name: child.evaluation.scores[task].value for name, child in known.items()}
        assert max(scored, key=lambda name: scored[name]) in states[-1].members


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("more", [{}, {"lag": 1}, {"batch": 4}, {"replace": "oldest"}], ids=str)
def test_beats_random_merges_of_the_founders(toy: Any, seed: int, more: dict[str, object]) -> None:
    def reached(**chosen: object) -> float:
        one = toy.strategy("steady_state", seed, evaluations=150, sigma=0.05, **chosen)
        _, known = toy.play(one, toy.landscape(one=POOR, two=POOR))
        return max(child.fitness for child in known.values())

    merges = reached(founding="all", population=150, lag=1)
    assert reached(**({"lag": 16, "population": 10} | more)) > merges + 0.02


def test_a_batch_must_fit_the_window() -> None:
    with pytest.raises(ValidationError, match="set lag to 8 or more"):
        SteadyState(type="steady_state", lag=4, batch=8)


class Barred:
    """A strategy whose bars are remembered by who must reach them."""

    def __init__(self, one: Any) -> None:
        self._one, self.bars = one, dict[str, str | None]()
        self.fits: list[int | None] = []
        self.start, self.due, self.tell = one.start, one.due, one.tell

    def ask(self, state: Any, known: Any) -> Any:
        asked = self._one.ask(state, known)
        self.bars |= {proposal.recipe.id: proposal.bar for proposal in asked or ()}
        self.fits += [proposal.fit for proposal in asked or ()]
        return asked


@settings(max_examples=15, deadline=None)
@given(windows, st.integers(0, 9), st.sampled_from([(), ("one",)]))
def test_who_cannot_reach_the_bar_is_not_missed(
    toy: Any, window: tuple[int, int], seed: int, floors: tuple[str, ...]
) -> None:
    """Without those who are worse than their bar, the population is the same after each step."""
    lag, batch = window
    constraints = [toy.constraint(kind="floor", task=task, at_least=0.3) for task in floors]
    more = {"constraints": constraints, "lag": lag, "batch": batch, "evaluations": 40}
    plain, known = toy.play(toy.strategy("steady_state", seed, **more), toy.random)
    one = Barred(toy.strategy("steady_state", seed, **more, race={}))

    def dropping(recipe: Recipe) -> Mapping[str, float] | None:
        scores: Mapping[str, float] = toy.random(recipe)
        bar = one.bars.get(recipe.id)
        worse = bar is not None and sum(scores.values()) / 2 < known[bar].fitness
        return None if worse else scores

    raced, others = toy.play(one, dropping)
    assert [state.members for state in raced] == [state.members for state in plain]
    assert any(child.evaluation is None for child in others.values())


def test_there_is_no_bar_without_a_race_or_a_full_population(toy: Any) -> None:
    plain, raced = (Barred(toy.strategy("steady_state", **more)) for more in ({}, {"race": {}}))
    toy.play(plain)
    states, _ = toy.play(raced)
    assert set(plain.bars.values()) == {None}
    full = next(state for state in states if len(state.members) == 6)
    bars = list(raced.bars.values())
    assert bars[: full.asked] == [None] * full.asked
    assert None not in bars[full.asked :]
    assert bars[full.asked] == full.members[-1]


def test_there_is_no_bar_where_the_worst_breaks_a_constraint(toy: Any) -> None:
    floor = toy.constraint(kind="floor", task="one", at_least=2.0)
    one = Barred(toy.strategy("steady_state", constraints=[floor], race={}))
    toy.play(one, toy.random)
    assert set(one.bars.values()) == {None}


def test_a_bar_is_archived_only_where_there_is_one() -> None:
    plain = Proposal(3, Recipe("linear", (), {}, 9), "test", "why")
    assert "bar" not in plain.to_json()
    assert "fit" not in plain.to_json()
    barred = Proposal(3, plain.recipe, "test", "why", "f" * 40)
    fitted = Proposal(3, plain.recipe, "test", "why", "f" * 40, 7)
    for one in (plain, barred, fitted):
        assert Proposal.from_json(one.to_json()) == one


def test_a_fit_is_to_the_steps_before_the_last_refit_once_enough_are_known(toy: Any) -> None:
    estimate = {"refit": 4, "models": 14}
    one = Barred(toy.strategy("steady_state", evaluations=40, lag=5, estimate=estimate))
    toy.play(one, toy.random)
    # A proposal of number n is made after n - 4 results, which with that of the founders are steps.
    steps = [1 + max(0, number - 4) for number in range(40)]
    founders = len(toy.ids)
    wanted = [step - step % 4 for step in steps]
    known = [founders + step - 1 if step else 0 for step in wanted]
    enough = [step if count >= 14 else None for step, count in zip(wanted, known, strict=True)]
    assert None in enough
    assert one.fits == enough


def test_who_has_no_bar_has_no_fit(toy: Any) -> None:
    floor = toy.constraint(kind="floor", task="one", at_least=2.0)
    more = {"estimate": {"refit": 1, "models": 5}, "evaluations": 20}
    one = Barred(toy.strategy("steady_state", constraints=[floor], **more))
    toy.play(one, toy.random)
    assert set(one.fits) == {None}


@pytest.mark.parametrize("section", ["race", "estimate"])
@pytest.mark.parametrize("more", [{"replace": "oldest"}, {"objectives": ["one", "two"]}], ids=str)
def test_there_must_be_a_worst_member(more: dict[str, object], section: str) -> None:
    with pytest.raises(ValidationError, match=r"(no|a) worst member to reach"):
        SteadyState.model_validate({"type": "steady_state", section: {}, **more})


def test_models_must_tell_dimensions_apart() -> None:
    section = {"models": 8, "dimensions": 7}
    said = "8 models cannot tell 7 dimensions of ability apart; set models to 10 or more, or use"
    with pytest.raises(ValidationError, match=said):
        SteadyState.model_validate({"type": "steady_state", "estimate": section})
    section["models"] = 10
    SteadyState.model_validate({"type": "steady_state", "estimate": section})


@pytest.mark.parametrize("anchors", [[], [0.2, 0.1], [0.1, 0.1], [1.0], [0.0]], ids=str)
def test_shares_of_anchors_must_grow(anchors: list[float]) -> None:
    with pytest.raises(ValidationError, match="anchors"):
        SteadyState.model_validate({"type": "steady_state", "estimate": {"anchors": anchors}})
