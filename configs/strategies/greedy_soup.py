"""Section of the greedy soup."""

from typing import ClassVar, Literal

from pydantic import model_validator

from speciate.configs.strategies.common import ALL_CROSSOVERS, Search


class GreedySoup(Search):
    """Founders from the best on enter a plain average, and stay in it if that gets better."""

    type: Literal["greedy_soup"]
    paper: ClassVar[str] = "arXiv 2203.05482"
    open_to_agents: ClassVar[bool] = False

    @model_validator(mode="after")
    def _one_for_any_number(self) -> "GreedySoup":
        only = self.crossover[0].operator
        if len(self.crossover) > 1 or ALL_CROSSOVERS[only].models == "two":
            raise ValueError("a soup is made by one operator that merges any number of models")
        return self
