"""Genomes of agents: who answers, who is improved, what is kept, and the way back."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from speciate.agents.genomes import (
    Genome,
    Settings,
    answering,
    born,
    founded,
    genomes,
    improved_next,
    lineage,
    retired,
    rolled_back,
    told,
)
from speciate.errors import ReplyError, UsageError

SETTINGS = Settings(most=4, longest=50, window=20)
ROLE = "breeder"


def fine(_template: str) -> list[str]:
    return []


def start() -> tuple[Mapping[str, Any], str]:
    state = founded(SETTINGS, {}, ROLE, "d1", {"temperature": 0.7})
    state = founded(SETTINGS, state, "coder", "d2", {})
    return state, next(iter(genomes(state, ROLE)))


def child(state: Mapping[str, Any], parent: str, text: str) -> tuple[Mapping[str, Any], str]:
    return born(SETTINGS, state, parent, text, {"temperature": 0.5}, fine)


def test_a_role_is_founded_once_and_a_new_release_takes_over() -> None:
    state, name = start()
    assert founded(SETTINGS, state, ROLE, "d1", {"temperature": 0.7}) == state
    assert genomes(state)[name] == Genome(ROLE, "d1", sampling={"temperature": 0.7})
    newer = founded(SETTINGS, state, ROLE, "d3", {"temperature": 0.7})
    assert [one.active for one in genomes(newer, ROLE).values()] == [False, True]
    assert len(genomes(newer, "coder", active=True)) == 1


def test_a_child_is_active_and_knows_its_line() -> None:
    state, founder = start()
    state, first = child(state, founder, "be bold")
    state, second = child(state, first, "be bolder")
    assert [one.name for one in lineage(state, second)] == [second, first, founder]
    assert [one.children for one in lineage(state, second)] == [0, 1, 1]
    assert set(genomes(state, ROLE, active=True)) == {founder, first, second}
    assert json.loads(json.dumps(state)) == state
    assert genomes(json.loads(json.dumps(state, sort_keys=True))) == genomes(state)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "0 characters"),
        (" \n", "2 characters"),
        ("x" * 51, "51 characters; write 1 to 50"),
        ("{{ evil }}", "cannot be used: unknown name 'evil'"),
        ("be bold", "those of [0-9a-f]{10}; change something"),
    ],
)
def test_a_template_that_cannot_be_used_is_refused(text: str, problem: str) -> None:
    state, founder = start()
    state, _ = child(state, founder, "be bold")

    def check(template: str) -> list[str]:
        return ["unknown name 'evil'"] if "evil" in template else []

    with pytest.raises(ReplyError, match=problem):
        born(SETTINGS, state, founder, text, {"temperature": 0.5}, check)


def test_of_a_full_role_the_worst_leaf_is_forgotten_and_never_a_founder() -> None:
    state, founder = start()
    state, good = child(state, founder, "good")
    state, bad = child(state, founder, "bad")
    state, middle = child(state, good, "middle")
    for _ in range(5):
        state = told(SETTINGS, state, middle, 1.0)
        state = told(SETTINGS, state, bad, None)
    state, newest = child(state, middle, "newest")
    assert set(genomes(state, ROLE)) == {founder, good, middle, newest}
    assert told(SETTINGS, state, bad, 1.0) == state
    # Now all but the newest are in its line: one of them is forgotten, and the line ends there.
    state, last = child(state, newest, "last")
    assert len(genomes(state, ROLE)) == 4
    assert {founder, newest, last} < set(genomes(state, ROLE))
    assert len(genomes(state, "coder")) == 1


def test_who_succeeds_answers_more_often_whatever_the_unit() -> None:
    for unit in (1e-6, 1.0):
        state, founder = start()
        state, better = child(state, founder, "better")
        for number in range(20):
            state = told(SETTINGS, state, founder, 0.0 if number % 5 else None)
            state = told(SETTINGS, state, better, unit * (1 + number) if number % 2 else 0.0)
        scores = {name: one.score for name, one in genomes(state, ROLE).items()}
        assert scores[founder] < 0.45 < 0.55 < scores[better]
        answers = Counter(
            answering(state, ROLE, np.random.default_rng(seed)).name for seed in range(200)
        )
        assert answers[better] > 2 * answers[founder] > 0
        assert len(state["outcomes"][ROLE]) == 20


def test_who_has_children_is_improved_less_often() -> None:
    state, founder = start()
    state, one = child(state, founder, "one")
    state, two = child(state, founder, "two")
    drawn = Counter(
        improved_next(state, ROLE, np.random.default_rng(seed)).name for seed in range(700)
    )
    # With equal scores: 1/3 to 1 to 1.
    assert drawn[founder] / 700 == pytest.approx(1 / 7, abs=0.05)
    assert drawn[one] / 700 == pytest.approx(3 / 7, abs=0.06)
    assert drawn[two] / 700 == pytest.approx(3 / 7, abs=0.06)


def test_retired_genomes_do_not_answer_and_any_version_can_be_gone_back_to() -> None:
    state, founder = start()
    state, first = child(state, founder, "first")
    state = retired(state, founder)
    assert {answering(state, ROLE, np.random.default_rng(n)).name for n in range(9)} == {first}
    with pytest.raises(UsageError, match=f"genome {first} is the last active breeder"):
        retired(state, first)
    state = rolled_back(state, founder)
    assert list(genomes(state, ROLE, active=True)) == [founder]
    assert len(genomes(state, "coder", active=True)) == 1
    assert len(lineage(state, first)) == 2


def test_unknown_names_and_roles_are_told() -> None:
    state, founder = start()
    for act in (retired, rolled_back, lineage):
        with pytest.raises(UsageError, match=rf"no genome 'nobody'; known: {founder}, "):
            act(state, "nobody")
    with pytest.raises(UsageError, match="no genome of the role 'poet' is active"):
        answering(state, "poet", np.random.default_rng(0))
