"""The coder against a scripted server."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from speciate.agents.coder import NEEDED, SOURCES, Mode, Workshop, known, write
from speciate.agents.drafted import Drafted
from speciate.agents.talk import FruitlessError
from speciate.agents.template import problems, render, shipped
from speciate.agents.view import Evolved, View
from speciate.chat.endpoint import EndpointChat
from speciate.errors import ChatError, ConfigError
from speciate.population.operators.evolved import check, try_out
from speciate.population.operators.registry import validate
from speciate.records import Parent, Recipe

MEAN = '''"""Mean of the models."""
import numpy as np

PARAMETERS = {"share": (0.0, 1.0, 0.5)}


def merge(models, base, parameters, random):
    return np.mean(models, axis=0)
'''
FIRST = MEAN.replace("np.mean(models, axis=0)", "models[0]").replace("Mean of", "First of")
ONE = Evolved("1" * 64, "Mean of the models.", MEAN, (0.0123, -0.4))
TWO = Evolved("2" * 64, "First of the models.", FIRST)
MODES: tuple[tuple[Mode, tuple[Evolved, ...]], ...] = (
    ("full", ()),
    ("diff", (ONE,)),
    ("cross", (ONE, TWO)),
)


def valid(recipe: Recipe) -> str | None:
    try:
        validate(recipe)
    except ConfigError as exc:
        return str(exc)
    return None


FINE = Workshop(check, lambda source: [], valid)


def said(**changes: Any) -> dict[str, Any]:
    """A reply."""
    model = {"first": "x", "others": ["y", "1" * 10]}
    reply = {"reason": "simple", "source": MEAN, "values": [{"name": "share", "value": 0.25}]}
    reply["recipe"] = {"operator": "evolved", "model": model, "parameters": {}}
    return reply | {"prediction": 0.6} | changes


def edits(*pairs: tuple[str, str]) -> dict[str, Any]:
    """A reply in mode diff."""
    reply = said(edits=[{"search": old, "replace": new} for old, new in pairs])
    reply.pop("source")
    return reply


def ask(
    chat: EndpointChat,
    view: View,
    mode: Mode = "full",
    sources: Sequence[Evolved] = (),
    workshop: Workshop = FINE,
    **more: Any,
) -> Drafted:
    async def asked() -> Drafted:
        async with chat:
            return await write(chat, view, shipped("coder"), mode, sources, workshop, 3, **more)

    return asyncio.run(asked())


def replying(chat_server: Any, *replies: Any) -> None:
    """What the server says, one after the other."""
    texts = iter([one if isinstance(one, str) else json.dumps(one) for one in replies])
    chat_server.rule = lambda body: next(texts)


def test_a_source_becomes_part_of_a_recipe(chat_server: Any, talker: Any, view: View) -> None:
    replying(chat_server, said())
    drafted = ask(talker(chat_server.url), view)
    models = [Parent(one * 40, "model") for one in "bc1"]
    assert drafted.recipe == Recipe(
        "evolved",
        (Parent("a" * 40, "base"), *models),
        {"source": MEAN, "values": {"share": 0.25}},
        3,
    )
    assert (drafted.reason, drafted.prediction, drafted.talk.replies) == ("simple", 0.6, 1)


def test_edits_change_the_source_they_are_for(chat_server: Any, talker: Any, view: View) -> None:
    replying(chat_server, edits(("axis=0", "axis=0, dtype=np.float32"), ("0.5)}", "0.75)}")))
    source = ask(talker(chat_server.url), view, "diff", [ONE]).recipe.parameters["source"]
    assert source == MEAN.replace("axis=0", "axis=0, dtype=np.float32").replace("0.5)}", "0.75)}")


def test_two_sources_are_shown_to_be_crossed(chat_server: Any, talker: Any, view: View) -> None:
    replying(chat_server, said())
    ask(talker(chat_server.url), view, "cross", [ONE, TWO])
    shown = chat_server.asked[0]["messages"][1]["content"]
    for one in (ONE, TWO):
        assert f"BEGIN {one.digest}\n{one.source}\nEND {one.digest}\n" in shown
    assert "0.0123 -0.4\n" in shown


@pytest.mark.parametrize(
    ("mode", "sources", "first", "complaint"),
    [
        ("full", (), said(source="def merge(:"), "is refused: line 1: invalid syntax"),
        ("full", (), said(source="x = 1"), "is refused: line 1: begin with a docstring"),
        ("full", (), said(source=""), "has 0 characters"),
        ("full", (), said(source="#" * 13_000), "has 13000 characters; write 1 to 12000"),
        ("full", (), "x" * 40_000, "is longer than 30000 characters"),
        ("full", (), said(values=[{"name": "__x", "value": 1}]), "values.0.name"),
        ("full", (), said(values=[{"name": "x", "value": 1e9}]), "less than or equal to 1000"),
        ("full", (), said(values=[{"name": "shade", "value": 0.5}]), "unknown 'shade'; did you"),
        ("full", (), said(values=[{"name": "share", "value": 2}]), "share is 2, not between 0"),
        ("full", (), edits(("a", "b")), "unknown key 'edits'"),
        ("diff", (ONE,), said(), "unknown key 'source'"),
        ("diff", (ONE,), edits(("axis=1", "axis=0")), "edit 1: its search text is not in"),
        ("diff", (ONE,), edits(("models", "m")), "is there 3 times"),
        ("diff", (ONE,), edits(), "at least 1 item"),
        ("diff", (ONE,), edits(("def merge", "deaf merge")), "is refused: line 7: invalid syntax"),
    ],
)
def test_what_is_wrong_goes_back(
    mode: Mode,
    sources: Sequence[Evolved],
    first: Any,
    complaint: str,
    chat_server: Any,
    talker: Any,
    view: View,
) -> None:
    good = edits(("0.5)}", "0.75)}")) if mode == "diff" else said()
    replying(chat_server, first, good)
    drafted = ask(talker(chat_server.url), view, mode, sources)
    assert complaint in chat_server.asked[1]["messages"][-1]["content"]
    assert drafted.talk.replies == 2
    assert max(len(one.content) for one in drafted.talk.messages) <= 30_000


def test_what_fails_in_trials_goes_back_until_tries_are_out(
    chat_server: Any, talker: Any, view: View
) -> None:
    replying(chat_server, said(), said(reason="once more"))
    tried: list[str] = []

    def try_out(source: str) -> list[str]:
        tried.append(source)
        return ["2 models: not finite, see /tmp/box/runner.py\nline 3"]

    workshop = Workshop(check, try_out, lambda recipe: None)
    words = "is refused: 2 models: not finite, see <path> line 3"
    with pytest.raises(FruitlessError, match=words) as caught:
        ask(talker(chat_server.url), view, workshop=workshop, tries=2)
    assert tried == [MEAN, MEAN]
    assert words in chat_server.asked[1]["messages"][-1]["content"]
    assert caught.value.talk.replies == 2


def test_nothing_is_run_that_is_refused_before(chat_server: Any, talker: Any, view: View) -> None:
    replying(chat_server, said(), said(source="no"))

    def try_out(source: str) -> list[str]:
        raise AssertionError(source)

    workshop = Workshop(check, try_out, lambda recipe: "as 1111111111, but for names")
    with pytest.raises(FruitlessError, match="line 1: begin with a docstring"):
        ask(talker(chat_server.url), view, workshop=workshop, tries=2)
    told = chat_server.asked[1]["messages"][-1]["content"]
    assert "is refused: as 1111111111, but for names" in told


def test_what_fails_in_the_sandbox_goes_back(chat_server: Any, talker: Any, view: View) -> None:
    replying(chat_server, said(source=MEAN.replace("axis=0", "axis=1")), said())
    workshop = Workshop(check, lambda source: try_out(source).problems, valid)
    drafted = ask(talker(chat_server.url), view, workshop=workshop)
    told = chat_server.asked[1]["messages"][-1]["content"]
    assert "is refused: 2 models and a base of random values, shape [33, 17]" in told
    assert drafted.recipe.parameters["source"] == MEAN


def test_a_server_that_is_down_is_told_of(talker: Any, view: View) -> None:
    with pytest.raises(ChatError, match="cannot be reached"):
        ask(talker("http://127.0.0.1:9/v1"), view)


def test_modes_start_from_as_many_sources_as_they_need(talker: Any, view: View) -> None:
    with pytest.raises(ValueError, match="mode 'cross' starts from 2 sources, not 1"):
        ask(talker("http://127.0.0.1:9/v1"), view, "cross", [ONE])


@pytest.mark.parametrize(("mode", "sources"), MODES)
def test_the_shipped_template_is_one_that_agents_may_write(
    mode: Mode, sources: tuple[Evolved, ...], view: View
) -> None:
    template, names = shipped("coder"), known(view, mode, sources)
    assert SOURCES[mode] == len(sources)
    assert problems(template, names, NEEDED) == []
    text = render(template, names)
    for words in ("PARAMETERS = {", "1111111111: fitness 0.6789", "x and y: 0.9321"):
        assert words in text
    assert ("Halves all. Gains: 0.01" in text) == (mode == "full")
