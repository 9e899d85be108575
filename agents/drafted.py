"""What comes of asking an agent for a recipe."""

from collections.abc import Callable
from dataclasses import dataclass

from speciate.agents.talk import Talk
from speciate.records import Recipe

# Says why a recipe is refused, if it is: invalid, or too much like a known one.
Check = Callable[[Recipe], str | None]


@dataclass(frozen=True)
class Drafted:
    """What an agent proposes.

    Attributes:
        prediction: The fitness that it foretells.
        talk: The whole conversation.
    """

    recipe: Recipe
    reason: str
    prediction: float
    talk: Talk


def passed(check: Check, recipe: Recipe) -> None:
    """Nothing, if a recipe is not refused.

    Raises:
        ValueError: It is; see `speciate.agents.talk.converse`.
    """
    if problem := check(recipe):
        raise ValueError(f"is refused: {problem}")
