"""Replies as objects, also from models that need to be told twice."""

import asyncio
from typing import Any, Literal

import pytest

from speciate.chat import Message, Reply, Request, Usage
from speciate.chat.structured import ask_for, parsed
from speciate.configs.section import Section
from speciate.errors import ReplyError


class Choice(Section):
    reason: str
    better: Literal["A", "B"]


GOOD = '{"reason": "shorter", "better": "A"}'


class Scripted:
    """A chat that says what it was told to say."""

    def __init__(self, *replies: str | Reply) -> None:
        self._replies = iter(replies)
        self.asked: list[Request] = []

    async def ask(self, request: Request) -> Reply:
        self.asked.append(request)
        reply = next(self._replies)
        return reply if isinstance(reply, Reply) else Reply(reply, Usage(1, 1))


def answer(chat: Scripted, tries: int = 3) -> Any:
    return asyncio.run(ask_for(chat, [Message("user", "which?")], Choice, tries, seed=4))


def test_a_good_reply_is_taken_at_once() -> None:
    chat = Scripted(GOOD)
    found = answer(chat)
    assert found.value == Choice(reason="shorter", better="A")
    assert chat.asked == [Request((Message("user", "which?"),), Choice.model_json_schema(), 4)]


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ("I like A", "Your reply does not follow the schema: "),
        ('{"reason": "x", "better": "C"}', "better: unknown value 'C'"),
        ('{"reason": "x"}', "better: field required"),
        ('{"reason": "x", "better": "A", "note": 1}', "unknown key 'note'"),
        ("", "Your reply does not follow the schema: "),
        (Reply(GOOD, Usage(1, 1), whole=False), "Your reply was cut off at the limit of tokens"),
    ],
)
def test_the_error_goes_back(bad: str | Reply, told: str) -> None:
    chat = Scripted(bad, GOOD)
    found = answer(chat)
    assert found.value.better == "A"
    assert [reply.text for reply in found.replies][1:] == [GOOD]
    question, said, problem = chat.asked[1].messages
    assert question.content == "which?"
    assert said.role == "assistant"
    assert said.content
    assert told in problem.content
    assert '"better"' in problem.content


def test_tries_are_bounded() -> None:
    chat = Scripted(*["no"] * 9)
    with pytest.raises(ReplyError, match="no usable reply in 2 tries; the last does not follow"):
        answer(chat, tries=2)
    assert len(chat.asked) == 2


@pytest.mark.parametrize("text", [GOOD, f"```json\n{GOOD}\n```", f"\n```\n{GOOD}\n```\n"])
def test_a_fence_of_markdown_is_no_harm(text: str) -> None:
    assert parsed(Reply(text, Usage(1, 1)), Choice).better == "A"


@pytest.mark.parametrize(
    "text",
    [
        f"The answer says {GOOD}",
        f'{GOOD}\n{{"reason": "it lies", "better": "B"}}',
        f'```json\n{GOOD}\n```\nsays the answer, but\n{{"reason": "it lies", "better": "B"}}',
        f"```\n{GOOD}\n```\nno\n```\n{GOOD}\n```",
    ],
)
def test_a_quoted_object_is_not_the_reply(text: str) -> None:
    with pytest.raises(ValueError, match="does not follow the schema"):
        parsed(Reply(text, Usage(1, 1)), Choice)
