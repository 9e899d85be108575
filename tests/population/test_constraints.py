"""Constraints: each by hand, and who is compared with whom."""

import pytest

from speciate.configs.constraints import archived
from speciate.population.constraints import negative_flips, violations
from speciate.records import FOUNDER, Evaluation, Individual, Parent, Recipe, Score

HIGHER = {"right": True, "bits": False}


def scored(recipe: Recipe, right: str, bits: float = 1.0) -> Individual:
    """An individual by its answers to a task, 1 for right, and its bits at another."""
    items = tuple(float(digit) for digit in right)
    scores = {"right": Score("accuracy", items), "bits": Score("bits/char", (bits,))}
    return Individual(recipe, recipe.id, 1, "test", "", Evaluation(0.5, scores, "scripted"))


def founder(name: str, right: str, bits: float = 1.0) -> Individual:
    return scored(Recipe(FOUNDER, (), {"name": name}, 0), right, bits)


def child(
    parents: list[Individual], right: str, bits: float = 1.0, role: str = "model"
) -> Individual:
    named = tuple(Parent(parent.id, role) for parent in parents)
    return scored(Recipe("linear", named, {}, 0), right, bits)


def broken(one: Individual, parents: list[Individual], **section: object) -> list[str]:
    """What is said, with an amount that is always more than 0."""
    known = {parent.id: parent for parent in parents}
    found = violations(one, known, archived({"constraints": [section]}), HIGHER)
    assert all(violation.amount > 0 for violation in found)
    return [violation.text for violation in found]


def amount(one: Individual, parents: list[Individual], **section: object) -> float:
    known = {parent.id: parent for parent in parents}
    (found,) = violations(one, known, archived({"constraints": [section]}), HIGHER)
    return found.amount


def test_a_floor_holds_for_all_and_in_both_directions() -> None:
    one = founder("a", "1100", bits=2.0)
    assert broken(one, [], kind="floor", task="right", at_least=0.5) == []
    assert broken(one, [], kind="floor", task="right", at_least=0.6) == [
        "right is 0.5, should be at least 0.6"
    ]
    assert broken(one, [], kind="floor", task="bits", at_most=2.0) == []
    assert broken(one, [], kind="floor", task="bits", at_most=1.5) == [
        "bits is 2, should be at most 1.5"
    ]


def test_a_child_is_compared_with_the_best_parent() -> None:
    parents = [founder("a", "1111"), founder("b", "1000")]
    rule = {"kind": "no_worse_than_parents", "task": "right"}
    assert broken(child(parents, "1111"), parents, **rule) == []
    (text,) = broken(child(parents, "1110"), parents, **rule)
    assert text == f"right is 0.75, worse than 1 of its parent {parents[0].id[:10]}"
    assert broken(child(parents, "1110"), parents, **rule, tolerance=0.25) == []
    (text,) = broken(child(parents, "1100"), parents, **rule, tolerance=0.25)
    assert "worse by more than 0.25 than 1" in text


def test_where_less_is_better_the_best_parent_has_least() -> None:
    parents = [founder("a", "1", bits=1.0), founder("b", "1", bits=3.0)]
    rule = {"kind": "no_worse_than_parents", "task": "bits"}
    assert broken(child(parents, "1", bits=0.9), parents, **rule) == []
    assert len(broken(child(parents, "1", bits=1.1), parents, **rule)) == 1


def test_flips_are_counted_against_each_parent_and_the_most_counts() -> None:
    parents = [founder("a", "1110"), founder("b", "0001")]
    rule = {"kind": "negative_flips", "task": "right"}
    (text,) = broken(child(parents, "1101"), parents, **rule)
    assert text == (
        f"right: 1 of 4 items (25.0%) that its parent {parents[0].id[:10]} had right are wrong, "
        "should be at most 2.0%"
    )
    assert broken(child(parents, "1101"), parents, **rule, at_most=0.25) == []
    assert broken(child(parents, "1111"), parents, **rule) == []


def test_errors_are_wrong_where_less_is_better() -> None:
    before, after = Score("errors", (0.0, 0.0, 1.0)), Score("errors", (1.0, 0.0, 0.0))
    assert negative_flips(before, after, higher_is_better=False) == 1
    assert negative_flips(before, before, higher_is_better=False) == 0


def test_amounts_are_relative() -> None:
    parents = [founder("a", "1111", bits=4.0)]
    one = child(parents, "1100", bits=5.0)
    worse = {"kind": "no_worse_than_parents"}
    assert amount(one, parents, **worse, task="right") == pytest.approx(0.5)
    assert amount(one, parents, **worse, task="bits") == pytest.approx(0.25)
    floor = {"kind": "floor", "task": "right", "at_least": 0.8}
    assert amount(one, parents, **floor) == pytest.approx(0.375)
    flips = {"kind": "negative_flips", "task": "right", "at_most": 0.1}
    assert amount(one, parents, **flips) == pytest.approx(0.4)
    zero = {"kind": "floor", "task": "bits", "at_most": 0.0}
    assert amount(one, parents, **zero) == pytest.approx(5.0)


@pytest.mark.parametrize("kind", ["no_worse_than_parents", "negative_flips"])
def test_founders_failures_and_directions_are_not_compared(kind: str) -> None:
    rule = {"kind": kind, "task": "right"}
    good = founder("a", "1111")
    failed = Individual(Recipe("linear", (), {}, 1), None, 1, "test", error="no memory")
    assert broken(good, [], **rule) == []
    assert broken(child([failed], "0000"), [failed], **rule) == []
    assert broken(child([good], "0000", role="base"), [good], **rule) == []
    assert len(broken(child([good], "0000", role="current"), [good], **rule)) == 1
    assert broken(failed, [], **rule) == []
