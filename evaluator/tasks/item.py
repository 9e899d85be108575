"""What items of all kinds share."""

from speciate.configs import schema
from speciate.configs.section import Section
from speciate.evaluator.tokenizer import Tokenizer

# Scores are archived, and archives must not differ by the noise of the last bits of a float32.
DECIMALS = 6


class Item(Section):
    """One line of a task file."""

    def check(self, task: schema.Task) -> None:
        """Called once for each item; all are fine unless a kind says otherwise.

        Raises:
            ValueError: The task's settings cannot score this item.
        """


def render(prompt: str, tokenizer: Tokenizer, chat: bool) -> str:
    """The prompt as the model is to see it."""
    return tokenizer.chat([{"role": "user", "content": prompt}]) if chat else prompt
