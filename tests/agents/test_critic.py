"""The critic against a scripted server."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from speciate.agents.critic import Digested, Noted, compare, digest
from speciate.agents.talk import FruitlessError
from speciate.agents.view import View
from speciate.chat.endpoint import EndpointChat
from speciate.errors import ChatError

NOTES = [{"about": f"{n:040x}", "text": f"note {n}"} for n in range(50)]


def ask(chat: EndpointChat, question: Callable[[], Awaitable[Any]]) -> Any:
    async def asked() -> Any:
        async with chat:
            return await question()

    return asyncio.run(asked())


def note(chat: EndpointChat, view: View, **changes: Any) -> Noted:
    child = replace(view.living[0], **changes)
    asked = ask(chat, lambda: compare(chat, view.tasks, view.founders[:3], child, 1, 2))
    assert isinstance(asked, Noted)
    return asked


def digested(chat: EndpointChat) -> Digested:
    asked = ask(chat, lambda: digest(chat, NOTES, ["Old wisdom."], 1, 2))
    assert isinstance(asked, Digested)
    return asked


def test_a_note_is_about_a_child(chat_server: Any, talker: Any, view: View) -> None:
    chat_server.rule = lambda body: json.dumps({"text": "Sums rose\n where x is."})
    noted = note(talker(chat_server.url), view)
    assert noted.note == {"about": "1" * 40, "text": "Sums rose where x is."}
    assert noted.talk.replies == 1
    shown = chat_server.asked[0]["messages"][1]["content"]
    for words in (
        "- spelling: bits/char, lower is better, weight 0.25",
        "- x: fitness 0.5, sums 0.25, spelling 2.5; made by founder",
        "1111111111, was made by ties of root (base) x (model) y (model) with {",
        "because: signs agree.",
        "It has fitness 0.6789, sums 0.25, spelling 2.5.",
    ):
        assert words in shown


def test_a_child_that_failed_is_told_of(chat_server: Any, talker: Any, view: View) -> None:
    chat_server.rule = lambda body: json.dumps({"text": "Too large."})
    note(talker(chat_server.url), view, fitness=None, scores={}, error="it burst")
    shown = chat_server.asked[0]["messages"][1]["content"]
    assert "It failed: it burst" in shown
    assert "It has fitness" not in shown


def test_notes_become_insights_and_recommendations(chat_server: Any, talker: Any) -> None:
    said = {"insights": ["a" * 10**3, "b"], "recommendations": ["c\x00"]}
    chat_server.rule = lambda body: json.dumps(said)
    found = digested(talker(chat_server.url))
    assert found.insights == ("a" * 299 + "…", "b")
    assert found.recommendations == ("c",)
    shown = chat_server.asked[0]["messages"][1]["content"]
    assert "- Old wisdom." in shown
    assert f"- {49:040x}"[:12] + ": note 49" in shown
    assert "note 9\n" not in shown  # The latest forty are shown.


@pytest.mark.parametrize(
    "said",
    [
        {"insights": ["a"], "recommendations": ["b"] * 6},
        {"insights": ["a"] * 9, "recommendations": ["b"]},
        {"insights": [], "recommendations": ["b"]},
        {"insights": ["a"]},
    ],
)
def test_nothing_else_is_taken(said: Any, chat_server: Any, talker: Any) -> None:
    chat_server.rule = lambda body: json.dumps(said)
    with pytest.raises(FruitlessError, match="in 2 tries"):
        digested(talker(chat_server.url))


def test_a_server_that_is_down_is_told_of(talker: Any, view: View) -> None:
    with pytest.raises(ChatError, match="cannot be reached"):
        note(talker("http://127.0.0.1:9/v1"), view)


def test_even_who_knows_nothing_replies(
    chat_server: Any, talker: Any, view: View, babble: Any
) -> None:
    chat_server.rule = lambda body: babble(body["response_format"]["json_schema"]["schema"], 2)
    assert 0 < len(note(talker(chat_server.url), view).note["text"]) <= 300
    found = digested(talker(chat_server.url))
    assert found.insights
    assert found.recommendations
