"""The improver: rewrites the prompt of another role, in the light of what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from speciate.agents import breeder, coder
from speciate.agents.asking import messages, offered, variables
from speciate.agents.reply import Reasoned
from speciate.agents.talk import Talk, converse
from speciate.agents.template import LONGEST_TEMPLATE, problems, shipped
from speciate.agents.view import Attempt, Evolved, View
from speciate.agents.wording import plain, without_secrets
from speciate.chat import Chat
from speciate.errors import ReplyError
from speciate.records import digest_of

# Roles whose prompts evolve.
Role = Literal["breeder", "coder"]

_NEEDED: Mapping[Role, tuple[str, ...]] = {"breeder": breeder.NEEDED, "coder": coder.NEEDED}
_MOST = 24
_BLANK = Evolved("0" * 64, "Nothing.", "")


class Version(Reasoned):
    """Another version of a prompt."""

    template: Annotated[str, Field(min_length=1, max_length=LONGEST_TEMPLATE)]
    temperature: Annotated[float, Field(ge=0, le=1.5)]


@dataclass(frozen=True)
class Improved:
    """Another version of a prompt.

    Attributes:
        template: Its text, which `unfit` has nothing against.
        sampling: Settings of the endpoint.
        reason: Why it should be better.
        talk: The whole conversation.
    """

    template: str
    sampling: Mapping[str, float]
    reason: str
    talk: Talk


async def improve(
    chat: Chat,
    view: View,
    role: Role,
    template: str,
    sampling: Mapping[str, float],
    attempts: Sequence[Attempt],
    refusals: Sequence[str],
    seed: int,
    tries: int = 3,
) -> Improved:
    """Asks for another version of a prompt.

    Args:
        chat: Who is asked.
        view: What new versions are tried with.
        role: Whose prompt it is.
        template: The version to be improved.
        sampling: Its settings.
        attempts: What it proposed, the oldest first; the latest are shown.
        refusals: Why replies to it were refused; the latest are shown.
        seed: Key of the sampling.
        tries: Most replies.

    Raises:
        ReplyError: There was no usable reply.
        ChatError: See `Chat.ask`.
    """
    known = {
        "role": role,
        "template": without_secrets(template),
        "digest": digest_of(template),
        "sampling": dict(sampling),
        "attempts": [asdict(one) for one in attempts[-_MOST:]],
        "refusals": plain(refusals[-_MOST:]),
        "names": sorted(_known(role, view)[0]),
        "needed": _NEEDED[role],
        "longest": LONGEST_TEMPLATE,
    }
    try:
        first = messages(shipped("improver"), known)
    except ValueError as exc:
        raise ReplyError(f"the improver cannot be asked: {exc}") from exc

    def accept(answer: Version) -> Version:
        if found := unfit(role, answer.template, view):
            raise ValueError("is refused: " + "; ".join(found))
        if (answer.template, {"temperature": answer.temperature}) == (template, dict(sampling)):
            raise ValueError("is refused: it changes nothing")
        return answer

    answer, talk = await converse(chat, first, Version, accept, seed, tries)
    return Improved(answer.template, {"temperature": answer.temperature}, answer.reason, talk)


def unfit(role: Role, template: str, view: View) -> list[str]:
    """What speaks against a template of a role; nothing if it may be used."""
    found = (problems(template, known, _NEEDED[role]) for known in _known(role, view))
    return list(dict.fromkeys(problem for each in found for problem in each))


def _known(role: Role, view: View) -> list[dict[str, Any]]:
    """What a template of a role may name, in each way in which it is used."""
    if role == "breeder":
        return [variables(view, family="any", offers=offered(view.offers))]
    modes = coder.SOURCES.items()
    return [coder.known(view, mode, [_BLANK] * count) for mode, count in modes]
