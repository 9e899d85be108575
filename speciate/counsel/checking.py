"""Whether a recipe of an agent may take part."""

from collections.abc import Mapping, Sequence

from speciate.agents.novelty import Metric
from speciate.configs.agents import Agents
from speciate.counsel.sources import EVOLVED, sources
from speciate.errors import ConfigError
from speciate.planning import ADAPTER_OPERATORS, check_recipe
from speciate.population.operators.evolved import normalised, source_digest
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
        return self._too_close(recipe)

    def _too_close(self, recipe: Recipe) -> str | None:
        if recipe.id in self._taken:
            return f"it is {recipe.id[:10]} again; propose something new"
        found = METRIC.nearest(recipe, self._taken)
        if found and found.distance < self._config.novelty:
            return f"{found.reason}; propose something new"
        return self._too_alike(recipe) if recipe.operator == EVOLVED else None

    def _too_alike(self, recipe: Recipe) -> str | None:
        """Of code that is new, but hardly: it would pass for another operator."""
        source = str(recipe.parameters["source"])
        known = {digest: other for digest, (_, other) in sources(self._known).items()}
        known.pop(source_digest(source), None)
        found = METRIC.nearest_code(source, known)
        if found is None or 1 - found.distance <= self._config.likeness:
            return None
        return f"{found.reason}; use that operator as it is, or write another one"
