"""Sections of a campaign's constraints: what an individual must keep to, to be selected."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, model_validator

from speciate.configs.bounds import NonNegative
from speciate.configs.section import Section, nearest
from speciate.configs.tasks import Name, Task

Bound = Annotated[float, Field(allow_inf_nan=False, strict=True)]


class Floor(Section):
    """A score that is good enough, the same for all individuals, founders among them."""

    kind: Literal["floor"]
    task: Name = Field(description="Whose search score counts.")
    at_least: Bound | None = Field(None, description="In the metric, where more is better.")
    at_most: Bound | None = Field(None, description="In the metric, where less is better.")

    @model_validator(mode="after")
    def _one_bound(self) -> "Floor":
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(
                f"the floor of '{self.task}' needs one of at_least (where more is better) and "
                "at_most (where less is)"
            )
        return self


class NoWorseThanParents(Section):
    """A score that may not fall below that of the best parent."""

    kind: Literal["no_worse_than_parents"]
    task: Name = Field(description="Whose search score counts.")
    tolerance: NonNegative = Field(0.0, description="In the metric; how much worse is still fine.")


class NegativeFlips(Section):
    """Items that a parent had right and the child has wrong, against each parent."""

    kind: Literal["negative_flips"]
    task: Name = Field(description="A task of right and wrong answers; its search split counts.")
    at_most: Annotated[float, Field(ge=0, le=1, strict=True)] = Field(
        0.02, description="Share of all items."
    )


Constraint = Annotated[Floor | NoWorseThanParents | NegativeFlips, Field(discriminator="kind")]


def archived(config: Mapping[str, Any]) -> tuple[Constraint, ...]:
    """The constraints of a campaign as it was archived."""
    sections: tuple[Constraint, ...] = TypeAdapter(tuple[Constraint, ...]).validate_python(
        config.get("constraints", ())
    )
    return sections


def check_tasks(
    tasks: Sequence[Task],
    chosen: Mapping[str, Sequence[str]],
    constraints: Sequence[Constraint],
) -> None:
    """Whether a strategy and constraints name tasks that selection sees, of the right kind.

    Args:
        tasks: Of the campaign.
        chosen: Names of tasks, by the key of the strategy that has them.
        constraints: Of the campaign.

    Raises:
        ValueError: One does not.
    """
    seen = {task.name: task for task in tasks if task.search}
    named = [(f"strategy.{key}", name) for key, names in chosen.items() for name in names]
    named += [(f"constraints.{index}.task", one.task) for index, one in enumerate(constraints)]
    for place, name in named:
        if name not in seen:
            hint = nearest(name, list(seen))
            raise ValueError(f"{place}: no task '{name}' with a 'search' file; {hint}")
    for index, one in enumerate(constraints):
        if problem := _misfit(one, seen[one.task]):
            raise ValueError(f"constraints.{index}: {problem}")


def _misfit(constraint: Constraint, task: Task) -> str | None:
    """Why a constraint makes no sense for a task, as far as its section tells."""
    graded = task.kind in ("likelihood", "perplexity")
    if constraint.kind == "negative_flips":
        if graded or getattr(task, "repeats", 1) > 1:
            instead = 'use kind = "no_worse_than_parents"'
            return f"items of '{task.name}' are not right or wrong; {instead}"
    elif constraint.kind == "floor":
        less = graded or not getattr(task, "higher_is_better", True)
        if less and constraint.at_least is not None:
            return f"less is better at '{task.name}'; give at_most instead of at_least"
        if not less and constraint.at_most is not None:
            return f"more is better at '{task.name}'; give at_least instead of at_most"
    return None
