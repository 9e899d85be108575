"""What a campaign asks of individuals, from what is archived of it."""

from collections.abc import Mapping
from typing import Any

from speciate.configs.constraints import archived
from speciate.configs.directions import higher_is_better
from speciate.population.goals import Goals


def goals_of(config: Mapping[str, Any]) -> Goals:
    """Directions and weights of the tasks, and the constraints, by the archived config."""
    directions = {task["name"]: higher_is_better(task) for task in config["tasks"]}
    weights = {task["name"]: float(task.get("weight", 1)) for task in config["tasks"]}
    return Goals(directions, archived(config), weights)
