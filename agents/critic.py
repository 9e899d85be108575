"""The critic: says what made a child better or worse than its parents, and what is to be learnt.

After the two reflections of ReEvo (Ye et al., 2024): one on a pair, one on all that was noted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from pydantic import Field

from speciate.agents.asking import messages
from speciate.agents.reply import Line, Reply
from speciate.agents.talk import Answer, Talk, converse
from speciate.agents.template import shipped
from speciate.agents.view import Member, Task
from speciate.agents.wording import plain
from speciate.chat import Chat
from speciate.errors import ReplyError

_MOST_INSIGHTS, _MOST_RECOMMENDATIONS = 8, 5
_MOST_NOTES = 40


class Comparison(Reply):
    """What is said of a child."""

    text: Line


class Digest(Reply):
    """What is made of notes, the most important first."""

    insights: Annotated[list[Line], Field(min_length=1, max_length=_MOST_INSIGHTS)]
    recommendations: Annotated[list[Line], Field(min_length=1, max_length=_MOST_RECOMMENDATIONS)]


@dataclass(frozen=True)
class Noted:
    """A note: {"about": id of the child, "text": one line}; and the conversation."""

    note: Mapping[str, str]
    talk: Talk


@dataclass(frozen=True)
class Digested:
    """Lines, the most important first, and the conversation."""

    insights: tuple[str, ...]
    recommendations: tuple[str, ...]
    talk: Talk


async def compare(
    chat: Chat,
    tasks: Sequence[Task],
    parents: Sequence[Member],
    child: Member,
    seed: int,
    tries: int = 3,
) -> Noted:
    """Asks why a child is better or worse than its parents, or why it failed.

    Args:
        chat: Who is asked.
        tasks: What they were scored on.
        parents: In the recipe's order.
        child: With its outcome.
        seed: Key of the sampling.
        tries: Most replies.

    Raises:
        ReplyError: There was no usable reply.
        ChatError: See `Chat.ask`.
    """
    known = {
        "tasks": [asdict(one) for one in tasks],
        "parents": [asdict(one) for one in parents],
        "child": asdict(child),
    }
    answer, talk = await _asked(chat, "critic_compare", known, Comparison, seed, tries)
    return Noted({"about": child.id, "text": answer.text}, talk)


async def digest(
    chat: Chat,
    notes: Sequence[Mapping[str, str]],
    insights: Sequence[str],
    seed: int,
    tries: int = 3,
) -> Digested:
    """Asks what is to be learnt from notes.

    Args:
        chat: Who is asked.
        notes: As `compare` gives them, oldest first; the latest are shown.
        insights: That are known already.
        seed: Key of the sampling.
        tries: Most replies.

    Raises:
        ReplyError: There was no usable reply.
        ChatError: See `Chat.ask`.
    """
    shown = [{**one, "about": one["about"][:10]} for one in notes[-_MOST_NOTES:]]
    known = {"notes": plain(shown), "insights": plain(insights)}
    answer, talk = await _asked(chat, "critic_digest", known, Digest, seed, tries)
    return Digested(tuple(answer.insights), tuple(answer.recommendations), talk)


async def _asked(
    chat: Chat,
    template: str,
    known: Mapping[str, Any],
    model: type[Answer],
    seed: int,
    tries: int,
) -> tuple[Answer, Talk]:
    try:
        first = messages(shipped(template), known)
    except ValueError as exc:
        raise ReplyError(f"the critic cannot be asked: {exc}") from exc
    return await converse(chat, first, model, lambda answer: answer, seed, tries)
