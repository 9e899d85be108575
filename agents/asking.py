"""From a view and a template to the messages that an agent is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from speciate.agents.knobs import in_words
from speciate.agents.template import render, shipped
from speciate.agents.view import Offer, View
from speciate.chat import Message

# Of each list, however long it is: prompts have an end.
_MOST = 24


def variables(view: View, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """What templates may name: the parts of a view, the record made of them, and what is added."""
    known: dict[str, Any] = asdict(view)
    cut = {name: one[:_MOST] if isinstance(one, tuple) else one for name, one in known.items()}
    # The latest of what has an order in time.
    cut |= {name: known[name][-_MOST:] for name in ("attempts", "failures", "rejections")}
    return {**cut, "record": render(shipped("record"), cut), **more}


def offered(offers: Sequence[Offer]) -> tuple[dict[str, Any], ...]:
    """Operators as templates see them, with their parameters in words."""
    return tuple(
        asdict(one)
        | {"parameters": {name: in_words(each) for name, each in one.parameters.items()}}
        for one in offers
    )


def messages(template: str, known: Mapping[str, Any]) -> tuple[Message, ...]:
    """What is said at first.

    Raises:
        ValueError: See `render`.
    """
    return Message("system", shipped("system")), Message("user", render(template, known))
