"""A conversation until its end: what is refused goes back with the reason, for so many tries."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from speciate.agents.plain import one_line
from speciate.agents.reply import Reply as Object
from speciate.agents.wording import SHORT, shown
from speciate.chat import Chat, Message, Reply, Request, Usage
from speciate.chat.structured import parsed
from speciate.errors import ReplyError
from speciate.records import digest_of

Answer = TypeVar("Answer", bound=Object)
T = TypeVar("T")

# Some servers take no more than a positive 32-bit number.
_SEEDS = 2**31
_LONGEST_PROBLEM, _LONGEST_REPLY = 2_000, 30_000


@dataclass
class Talk:
    """What was said by both sides.

    Attributes:
        messages: In order; the last is the last reply.
        usage: Tokens of all replies, also of recorded ones.
        replies: Their number.
    """

    messages: list[Message] = field(default_factory=list)
    usage: Usage = field(default_factory=lambda: Usage(0, 0))
    replies: int = 0

    @property
    def digest(self) -> str:
        """SHA-256 of all messages."""
        return digest_of([asdict(one) for one in self.messages])

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        messages = [asdict(one) for one in self.messages]
        return {"messages": messages, "usage": asdict(self.usage), "replies": self.replies}

    def add(self, reply: Reply) -> None:
        """Takes down a reply."""
        spent = reply.usage
        self.usage = Usage(self.usage.input + spent.input, self.usage.output + spent.output)
        # Some endpoints refuse empty messages.
        text = reply.text[:_LONGEST_REPLY].strip() or "(empty)"
        self.messages.append(Message("assistant", text))
        self.replies += 1


class FruitlessError(ReplyError):
    """Nothing usable was said in all tries.

    Attributes:
        talk: What was said instead.
        problem: Of the last reply.
    """

    def __init__(self, problem: str, talk: Talk) -> None:
        """Takes why the last reply was refused."""
        self.talk, self.problem = talk, one_line(problem, SHORT)
        super().__init__(f"no usable reply in {talk.replies} tries; the last {self.problem}")


async def converse(
    chat: Chat,
    messages: Sequence[Message],
    model: type[Answer],
    accept: Callable[[Answer], T],
    seed: int,
    tries: int,
) -> tuple[T, Talk]:
    """Asks until a reply is accepted.

    Args:
        chat: Who is asked.
        messages: What is said at first.
        model: Of the reply.
        accept: Makes of a reply what is wanted; runs in a thread, and raises a ValueError that
            tells what is wrong, in words that end a sentence which begins with the reply.
        seed: Key of the sampling.
        tries: Most replies.

    Raises:
        FruitlessError: No reply was accepted.
        ChatError: See `Chat.ask`.
    """
    talk, schema = Talk(list(messages)), model.model_json_schema()
    while True:
        reply = await chat.ask(Request(tuple(talk.messages), schema, seed % _SEEDS))
        talk.add(reply)
        try:
            answer = _parsed(reply, model)
            return await asyncio.to_thread(accept, answer), talk
        except ValueError as exc:
            problem = shown(str(exc), _LONGEST_PROBLEM)
        if talk.replies >= tries:
            raise FruitlessError(problem, talk)
        talk.messages.append(Message("user", f"Your reply {problem}. Reply again, in full."))


def _parsed(reply: Reply, model: type[Answer]) -> Answer:
    if len(reply.text) > _LONGEST_REPLY:
        raise ValueError(f"is longer than {_LONGEST_REPLY} characters")
    return parsed(reply, model)
