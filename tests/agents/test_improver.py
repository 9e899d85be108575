"""The improver against a scripted server."""

import asyncio
import json
from typing import Any

import pytest

from speciate.agents.improver import Improved, Role, improve, unfit
from speciate.agents.talk import FruitlessError
from speciate.agents.template import shipped
from speciate.agents.view import View
from speciate.errors import ChatError

BETTER = "Be bold.\n{{ record }}\n{% for one in offers %}\n- {{ one.name }}\n{% endfor %}\n"


def ask(
    url: str, talker: Any, view: View, role: Role = "breeder", template: str | None = None
) -> Improved:
    chat = talker(url)

    async def asked() -> Improved:
        async with chat:
            text = template or shipped(role)
            refusals = ["as 1111111111"] * 30 + ["see /tmp/x/y"]
            given = {"temperature": 0.5}
            return await improve(chat, view, role, text, given, view.attempts, refusals, 2, 2)

    return asyncio.run(asked())


def said(template: str, temperature: float = 0.75) -> str:
    return json.dumps({"reason": "shorter", "template": template, "temperature": temperature})


def test_a_prompt_is_written_again(chat_server: Any, talker: Any, view: View) -> None:
    chat_server.rule = lambda body: said(BETTER)
    made = ask(chat_server.url, talker, view)
    assert (made.template, made.sampling) == (BETTER, {"temperature": 0.75})
    assert (made.reason, made.talk.replies) == ("shorter", 1)
    shown = chat_server.asked[0]["messages"][1]["content"]
    for words in (
        shipped("breeder"),
        'It was sampled with {"temperature": 0.5}.',
        "- 1111111111 by ties, foretold 0.7071; it reached 0.6789; because: bold",
        "it failed: it sank",
        "- see <path>",
        "must show record, offers, and be at most 8000",
        "calibration, evolved, failures, family",
    ):
        assert words in shown


@pytest.mark.parametrize(
    ("role", "template", "complaint"),
    [
        ("breeder", "", "at least 1 character"),
        ("breeder", "x" * 9000, "at most 8000 characters"),
        ("breeder", "Be bold. {{ record }}", "does not show 'offers'; keep it"),
        ("breeder", BETTER + "{{ secret }}", "'secret' is undefined"),
        ("breeder", BETTER + "{{ record.__class__ }}", "__class__"),
        ("breeder", BETTER + "{% for x in", "the template fails"),
        ("coder", BETTER, "does not show 'contract'; keep it"),
        (
            "coder",
            "{{ record }}{{ contract }}{{ sources[0].source }}",
            "has no element 0",
        ),
    ],
)
def test_what_cannot_be_used_goes_back(
    role: Role, template: str, complaint: str, chat_server: Any, talker: Any, view: View
) -> None:
    chat_server.rule = lambda body: said(template)
    with pytest.raises(FruitlessError, match="in 2 tries"):
        ask(chat_server.url, talker, view, role)
    assert complaint in chat_server.asked[1]["messages"][-1]["content"]


def test_what_changes_nothing_goes_back(chat_server: Any, talker: Any, view: View) -> None:
    replies = iter([said(BETTER, 0.5), said(BETTER, 0.25)])
    chat_server.rule = lambda body: next(replies)
    assert ask(chat_server.url, talker, view, template=BETTER).sampling == {"temperature": 0.25}
    assert "it changes nothing" in chat_server.asked[1]["messages"][-1]["content"]


def test_a_server_that_is_down_is_told_of(talker: Any, view: View) -> None:
    with pytest.raises(ChatError, match="cannot be reached"):
        ask("http://127.0.0.1:9/v1", talker, view)


@pytest.mark.parametrize("role", ["breeder", "coder"])
def test_shipped_templates_are_fit(role: Role, view: View) -> None:
    assert unfit(role, shipped(role), view) == []
