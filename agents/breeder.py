"""The breeder: proposes a recipe of operators that exist."""

from typing import Any

from pydantic import create_model

from speciate.agents.asking import messages, offered, variables
from speciate.agents.drafted import Check, Drafted, passed
from speciate.agents.recipes import Menu
from speciate.agents.reply import Reasoned, Share
from speciate.agents.talk import converse
from speciate.agents.view import View
from speciate.chat import Chat
from speciate.errors import ReplyError
from speciate.records import Recipe

# What a template of this role must show.
NEEDED = ("record", "offers")


async def propose(
    chat: Chat,
    view: View,
    template: str,
    family: str,
    check: Check,
    seed: int,
    tries: int = 3,
) -> Drafted:
    """Asks for a recipe of one family of operators.

    Args:
        chat: Who is asked.
        view: What it is told.
        template: In which words; see `speciate.agents.template`.
        family: Of the operators on offer.
        check: Says why a recipe is refused, if it is.
        seed: Of the recipe, and key of the sampling.
        tries: Most replies.

    Raises:
        ReplyError: No recipe was accepted, or the family has none; a `FruitlessError` has the talk.
        ChatError: See `Chat.ask`.
    """
    offers = [one for one in view.offers if one.family == family]
    menu = Menu(offers, view.candidates, view.base)
    try:
        model = create_model(
            "Proposal", __base__=Reasoned, recipe=(menu.written(), ...), prediction=(Share, ...)
        )
        known = variables(view, family=family, offers=offered(menu.offers))
        first = messages(template, known)
    except ValueError as exc:
        raise ReplyError(f"family '{family}' cannot be asked for: {exc}") from exc

    def accept(answer: Any) -> tuple[Recipe, str, float]:  # noqa: ANN401
        recipe = menu.recipe(answer.recipe, seed)
        passed(check, recipe)
        return recipe, answer.reason, answer.prediction

    (recipe, reason, prediction), talk = await converse(chat, first, model, accept, seed, tries)
    return Drafted(recipe, reason, prediction, talk)
