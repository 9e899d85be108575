"""Directions of the tasks' metrics, for whoever reads an archive and asks no model."""

from collections.abc import Mapping
from typing import Any

LOWER_IS_BETTER = frozenset({"likelihood", "perplexity"})
"""Kinds whose metric counts bits; a test compares with the kinds themselves."""


def higher_is_better(task: Mapping[str, Any]) -> bool:
    """The direction of a task's metric, by its section of an archived campaign.

    Where it is no kind's own it is archived, so that reading imports no foreign code.
    """
    return bool(task.get("higher_is_better", task["kind"] not in LOWER_IS_BETTER))


def directions(config: Mapping[str, Any], metrics: Mapping[str, str]) -> dict[str, bool]:
    """Whether more is better, by task.

    Args:
        config: Of the campaign, as archived.
        metrics: By task. Where the campaign knows nothing of a task, as of those that others
            brought with them, its metric tells.
    """
    known = {task["name"]: higher_is_better(task) for task in config.get("tasks", ())}
    return {name: not metric.startswith("bits/") for name, metric in metrics.items()} | known
