"""The coder: writes operators, anew, by edits of one, or by crossing two."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import Field, create_model

from speciate.agents.asking import messages, variables
from speciate.agents.drafted import Check, Drafted, passed
from speciate.agents.edits import Edit, edited
from speciate.agents.recipes import Menu
from speciate.agents.reply import Lines, Reasoned, Share, record, typed
from speciate.agents.talk import converse
from speciate.agents.template import shipped
from speciate.agents.view import Evolved, Offer, Role, View
from speciate.chat import Chat
from speciate.errors import ReplyError
from speciate.records import Recipe

Mode = Literal["full", "diff", "cross"]

# How many sources each mode starts from.
SOURCES: dict[Mode, int] = {"full": 0, "diff": 1, "cross": 2}
# What a template of this role must show.
NEEDED = ("record", "contract", "sources", "mode")
_MOST_EDITS, _MOST_VALUES = 8, 8
_NAME = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,39}$")]
_VALUE = typed({"type": "number", "minimum": -1000, "maximum": 1000})
_OFFER = Offer("evolved", "evolved", "", (Role("base", 0, 1), Role("model", 1, None)))


@dataclass(frozen=True)
class Workshop:
    """How sources are judged before anybody is bred by them.

    Attributes:
        check: Static problems of a source, one line each; never runs it.
        try_out: Problems found by running it in the sandbox.
        recipe: Says why the recipe made with it is refused, if it is.
    """

    check: Callable[[str], Sequence[str]]
    try_out: Callable[[str], Sequence[str]]
    recipe: Check


async def write(
    chat: Chat,
    view: View,
    template: str,
    mode: Mode,
    sources: Sequence[Evolved],
    workshop: Workshop,
    seed: int,
    tries: int = 3,
) -> Drafted:
    """Asks for an operator, with a recipe that uses it.

    Args:
        chat: Who is asked.
        view: What it is told.
        template: In which words; see `speciate.agents.template`.
        mode: "full" for a whole source, "diff" for edits of one, "cross" for one made of two.
        sources: What it starts from: none, one or two.
        workshop: Refuses what is not fit; what it says goes back.
        seed: Of the recipe, and key of the sampling.
        tries: Most replies.

    Raises:
        ReplyError: No source was accepted, or nobody could be bred by one; a `FruitlessError` has
            the talk.
        ChatError: See `Chat.ask`.
    """
    if len(sources) != SOURCES[mode]:
        raise ValueError(f"mode '{mode}' starts from {SOURCES[mode]} sources, not {len(sources)}")
    menu = Menu([_OFFER], view.candidates, view.base)
    try:
        model = _reply(mode, menu)
        first = messages(template, known(view, mode, sources))
    except ValueError as exc:
        raise ReplyError(f"mode '{mode}' cannot be asked for: {exc}") from exc

    def accept(answer: Any) -> tuple[Recipe, str, float]:  # noqa: ANN401
        source = _source(answer, sources)
        _fit(workshop.check(source))
        values = {one.name: one.value for one in answer.values}
        parameters = {"source": source, "values": values}
        recipe = replace(menu.recipe(answer.recipe, seed), parameters=parameters)
        passed(workshop.recipe, recipe)
        # Last, for it takes longest.
        _fit(workshop.try_out(source))
        return recipe, answer.reason, answer.prediction

    (recipe, reason, prediction), talk = await converse(chat, first, model, accept, seed, tries)
    return Drafted(recipe, reason, prediction, talk)


def known(view: View, mode: Mode, sources: Sequence[Evolved]) -> dict[str, Any]:
    """What templates of this role may name."""
    return variables(
        view,
        mode=mode,
        sources=tuple(asdict(one) for one in sources),
        contract=shipped("contract").strip(),
    )


def _reply(mode: Mode, menu: Menu) -> type[Reasoned]:
    """What is to be replied in a mode."""
    edit = record("Edit", {"search": Lines, "replace": str})
    edits = Annotated[list[edit], Field(min_length=1, max_length=_MOST_EDITS)]  # type: ignore[valid-type]
    value = record("Setting", {"name": _NAME, "value": _VALUE})
    fields: dict[str, Any] = {"edits": edits} if mode == "diff" else {"source": Lines}
    fields |= {
        "recipe": menu.written(),
        "values": Annotated[list[value], Field(max_length=_MOST_VALUES)],  # type: ignore[valid-type]
        "prediction": Share,
    }
    needed: dict[str, Any] = {name: (one, ...) for name, one in fields.items()}
    made: type[Reasoned] = create_model("Operator", __base__=Reasoned, **needed)
    return made


def _source(answer: Any, sources: Sequence[Evolved]) -> str:  # noqa: ANN401
    if hasattr(answer, "source"):
        return str(answer.source)
    return edited(sources[0].source, [Edit(one.search, one.replace) for one in answer.edits])


def _fit(problems: Sequence[str]) -> None:
    if problems:
        raise ValueError("is refused: " + "; ".join(problems))
