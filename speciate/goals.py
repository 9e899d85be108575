"""What a campaign asks of individuals, from what is archived of it."""

from collections.abc import Mapping
from typing import Any

from speciate.configs.constraints import archived
from speciate.configs.directions import higher_is_better
from speciate.errors import DamageError
from speciate.population.goals import Goals


def goals_of(config: Mapping[str, Any]) -> Goals:
    """Directions and weights of the tasks, and the constraints, by the archived config.

    Raises:
        DamageError: It is none.
    """
    try:
        directions = {task["name"]: higher_is_better(task) for task in config["tasks"]}
        weights = {task["name"]: float(task.get("weight", 1)) for task in config["tasks"]}
        return Goals(directions, archived(config), weights)
    except (LookupError, TypeError, ValueError) as error:
        what = f"campaign.json is not the config of a campaign: {error!r}"
        raise DamageError(f"{what}; fetch the archive again from a copy you trust") from error
