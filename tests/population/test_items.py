"""Scores item by item: scaled to [0, 1], and weighted as the fitness is."""

import numpy as np

from speciate.population.goals import Goals
from speciate.population.items import item_scores
from speciate.records import Evaluation, Individual, Recipe, Score


def people(rows: list[dict[str, tuple[float, ...]]]) -> dict[str, Individual]:
    known = {}
    for seed, row in enumerate(rows):
        scores = {task: Score("metric", items) for task, items in row.items()}
        recipe = Recipe("linear", (), {}, seed)
        evaluation = Evaluation(0.5, scores, "scripted")
        known[recipe.id] = Individual(recipe, recipe.id, 1, "test", "", evaluation)
    return known


def test_bits_are_scaled_item_by_item_and_right_answers_stay() -> None:
    known = people([{"a": (1.0, 0.0), "b": (2.0, 5.0, 1.0)}, {"a": (1.0, 0.5), "b": (4.0, 5, 0)}])
    scores, _ = item_scores(list(known), known, Goals({"a": True, "b": False}))
    assert scores.tolist() == [[1.0, 0.0, 1.0, 0.0, 0.0], [1.0, 0.5, 0.0, 0.0, 1.0]]


def test_tasks_count_by_weight_whatever_their_number_of_items() -> None:
    known = people([{"a": (1.0,), "b": (1.0, 1.0, 1.0), "c": (1.0,)}])
    goals = Goals({}, weights={"a": 1.0, "b": 3.0, "c": 0.0})
    scores, weights = item_scores(list(known), known, goals)
    assert scores.shape == (1, 4)
    assert np.allclose(weights, [0.25, 0.25, 0.25, 0.25])
