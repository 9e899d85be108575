"""Greedy soup: average models for as long as the average gets better.

"Model soups", Wortsman et al., 2022, arXiv 2203.05482, recipe 1.
"""

from collections.abc import Callable, Sequence


def greedy_soup(count: int, score: Callable[[Sequence[float]], float]) -> tuple[int, ...]:
    """Which models to average, each tried once, and kept if the score rises.

    Args:
        count: Number of models, which are ordered by a metric on held-out data, best first.
        score: That metric of the average with these weights, one a model: 1/n for the n models
            tried, 0 for the others. Higher is better; it is called once for each model.

    Returns:
        Numbers of the models kept, from 0, ascending. A model that leaves the score as it is, or
        makes it no number, is not kept; the first always is.
    """
    chosen: tuple[int, ...] = ()
    best = 0.0
    for model in range(count):
        tried = (*chosen, model)
        reached = score([(number in tried) / len(tried) for number in range(count)])
        if not chosen or reached > best:
            chosen, best = tried, reached
    return chosen
