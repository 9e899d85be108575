"""Language models that are asked over HTTP: requests, replies, and who answers them.

Neutral as records are: evaluation and agents both ask.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, Self


@dataclass(frozen=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Request:
    """What a model is asked.

    Attributes:
        messages: The conversation, whose next turn is wanted.
        schema: JSON schema that the reply is to follow, if any.
        seed: Key of the sampling; equal requests with other seeds are other requests.
    """

    messages: tuple[Message, ...]
    schema: Mapping[str, Any] | None = field(default=None, hash=False)
    seed: int | None = None

    def followed_by(self, *messages: Message) -> Self:
        """The same request later in the conversation."""
        return replace(self, messages=(*self.messages, *messages))


@dataclass(frozen=True)
class Usage:
    """Tokens of one reply: of what was asked, and of what was answered."""

    input: int
    output: int


@dataclass(frozen=True)
class Reply:
    """What a model answered.

    Attributes:
        usage: Also of a recorded reply, so that callers can count alike in a second run.
        whole: False when the reply was cut off at the limit of tokens.
        recorded: Whether it was answered before, and cost nothing this time.
    """

    text: str
    usage: Usage
    whole: bool = True
    recorded: bool = field(default=False, compare=False)


class Chat(Protocol):
    """A language model."""

    async def ask(self, request: Request) -> Reply:
        """One reply.

        Raises:
            ReplyError: There is none to this very request.
            BudgetError: The budget is spent.
            ChatError: The model cannot be asked.
        """
