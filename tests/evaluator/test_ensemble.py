"""Majority votes."""

from speciate.evaluator.ensemble import majority


def test_most_frequent_answer_wins_and_the_best_breaks_ties() -> None:
    voters = [["a", "x", "q"], ["b", "x", "r"], ["b", "y", "s"]]
    assert majority(voters) == ["b", "x", "q"]
    assert majority(voters[:2]) == ["a", "x", "q"]
