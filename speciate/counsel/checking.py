"""Whether a recipe of an agent may take part."""

from collections.abc import Mapping, Sequence

from speciate.agents.novelty import Metric
from speciate.configs.agents import Agents
from speciate.counsel.sources import EVOLVED
from speciate.errors import ConfigError
from speciate.planning import ADAPTER_OPERATORS, check_recipe
from speciate.population.operators.evolved import normalised
from speciate.population.operators.operator import Operator
from speciate.population.operators.registry import OPERATORS
from speciate.records import FOUNDER, Individual, Proposal, Recipe

METRIC = Metric(
    symmetric=[
        *(n for n, one in OPERATORS.items() if isinstance(one, Operator) and one.symmetric),
        *ADAPTER_OPERATORS,
    ],
    normalised=normalised,
)


class Checks:
    """Knows whom a recipe may be bred from, and what it must differ from."""

    def __init__(
        self, config: Agents, asked: Sequence[Proposal], known: Mapping[str, Individual]
    ) -> None:
        """Takes what is proposed in the same step, and everyone ever evaluated."""
        self._config, self._known = config, known
        born = {n: one.recipe for n, one in known.items() if one.recipe.operator != FOUNDER}
        self._taken = born | {one.recipe.id: one.recipe for one in asked}

    def problem(self, recipe: Recipe) -> str | None:
        """What speaks against a recipe, in words that its proposer is told; None if nothing."""
        try:
            check_recipe(recipe)
        except ConfigError as exc:
            return str(exc)
        for parent in recipe.parents:
            if parent.id not in self._known or self._known[parent.id].digest is None:
                return f"{parent.id[:10]} cannot be a parent: it has no weights"
        return self._too_close(recipe) or self._too_alike(recipe)

    def _too_close(self, recipe: Recipe) -> str | None:
        if recipe.id in self._taken:
            return f"it is {recipe.id[:10]} again; propose something new"
        found = METRIC.nearest(recipe, self._taken)
        if found is None or found.distance >= self._config.novelty:
            return None
        return f"{found.reason}; propose something new"

    def _too_alike(self, recipe: Recipe) -> str | None:
        """Code may be used again, or be new; hardly changed, it would be neither."""
        if recipe.operator != EVOLVED:
            return None
        source = str(recipe.parameters["source"])
        known = {
            name: str(one.parameters["source"])
            for name, one in self._taken.items()
            if one.operator == EVOLVED
        }
        others = {n: one for n, one in known.items() if normalised(one) != normalised(source)}
        found = METRIC.nearest_code(source, others)
        if found is None or 1 - found.distance <= self._config.likeness:
            return None
        return f"its code {found.reason}; change more of it, or nothing"
