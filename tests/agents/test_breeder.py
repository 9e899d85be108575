"""The breeder against a scripted server, and against models that know nothing."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from speciate.agents.asking import offered, variables
from speciate.agents.breeder import NEEDED, propose
from speciate.agents.drafted import Drafted
from speciate.agents.talk import FruitlessError
from speciate.agents.template import problems, shipped
from speciate.agents.view import Offer, Role, View
from speciate.agents.wording import SHORT
from speciate.chat.endpoint import EndpointChat
from speciate.errors import ChatError, ConfigError, ReplyError
from speciate.population.operators.registry import validate
from speciate.records import Parent, Recipe, digest_of

X, Y, ROOT, BEST = "b" * 40, "c" * 40, "a" * 40, "1" * 40
Check = Callable[[Recipe], str | None]


def fine(recipe: Recipe) -> str | None:
    """As the loop checks recipes."""
    try:
        validate(recipe)
    except ConfigError as exc:
        return str(exc)
    return None


def ties(**changes: Any) -> dict[str, Any]:
    """A reply."""
    parameters = {"scale": 0.5, "density": [0.25, 0.5], "scope": "tensor"}
    parameters |= {"merge": "mean", "majority": "vote"}
    others = [{"name": "1" * 10, "weight": 1.5}]
    recipe = {"operator": "ties", "model": {"first": "x", "weight": 0.75, "others": others}}
    said = {"reason": "why not", "recipe": recipe | {"parameters": parameters}, "prediction": 0.7}
    return said | changes


@pytest.fixture
def small(view: View) -> View:
    """With one operator."""
    return replace(view, offers=tuple(one for one in view.offers if one.name == "ties"))


def ask(
    chat: EndpointChat, view: View, family: str = "task_vectors", check: Check = fine, **more: Any
) -> Drafted:
    async def asked() -> Drafted:
        async with chat:
            return await propose(chat, view, shipped("breeder"), family, check, **more)

    return asyncio.run(asked())


def test_a_reply_becomes_a_recipe(chat_server: Any, talker: Any, small: View) -> None:
    chat_server.rule = lambda body: json.dumps(ties())
    drafted = ask(talker(chat_server.url), small, seed=2**63 + 5)
    parameters = {"scale": 0.5, "density": [0.25, 0.5], "scope": "tensor", "merge": "mean"}
    assert drafted.recipe == Recipe(
        "ties",
        (Parent(ROOT, "base"), Parent(X, "model"), Parent(BEST, "model")),
        parameters | {"majority": "vote", "weights": [0.75, 1.5]},
        2**63 + 5,
    )
    assert (drafted.reason, drafted.prediction) == ("why not", 0.7)
    (asked,) = chat_server.asked
    assert asked["seed"] == 5
    assert [one["role"] for one in asked["messages"]] == ["system", "user"]
    said = [*asked["messages"], {"role": "assistant", "content": json.dumps(ties())}]
    usage = {"input": 100, "output": 10}
    assert drafted.talk.to_json() == {"messages": said, "usage": usage, "replies": 1}
    assert drafted.talk.digest == digest_of(said)


def test_who_is_named_twice_counts_once(chat_server: Any, talker: Any, small: View) -> None:
    said = ties()
    one = {"name": "y", "weight": 0.4}
    said["recipe"]["model"]["others"] = [one, {"name": "z", "weight": 1}, one]
    chat_server.rule = lambda body: json.dumps(said)
    recipe = ask(talker(chat_server.url), small, seed=0).recipe
    assert recipe.with_role("model") == (X, Y, "d" * 40)
    assert recipe.parameters["weights"] == [0.75, 0.8, 1.0]


def changed(*keys: str | int, to: Any) -> dict[str, Any]:
    """A reply with another value somewhere."""
    said: Any = ties()
    inner = said
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = to
    return dict(said)


@pytest.mark.parametrize(
    ("reply", "complaint"),
    [
        ("I would rather not.", "does not follow the schema"),
        (changed("recipe", "operator", to="gaussian"), "recipe.operator: unknown value 'gaussian'"),
        (changed("recipe", "model", "first", to="root"), "first: unknown value 'root'"),
        (changed("recipe", "model", "others", 0, "name", to="x"), "name: unknown value 'x'"),
        (changed("recipe", "model", "others", to=[]), "at least 1 item"),
        (changed("recipe", "model", "weight", to=-1), "weight: input should be greater"),
        (changed("recipe", "parameters", "density", to=1.5), "less than or equal to 1"),
        (changed("recipe", "parameters", "density", to="__import__('os')"), "valid"),
        (changed("recipe", "parameters", "path", to="/etc"), "unknown key 'path'"),
        (changed("prediction", to=7), "prediction: input should be less"),
        (changed("prediction", to=float("nan")), "prediction"),
        ({"reason": "none"}, "field required"),
    ],
)
def test_what_is_wrong_is_told(
    reply: Any, complaint: str, chat_server: Any, talker: Any, small: View
) -> None:
    text = reply if isinstance(reply, str) else json.dumps(reply)
    replies = iter([text, json.dumps(ties())])
    chat_server.rule = lambda body: next(replies)
    drafted = ask(talker(chat_server.url), small, seed=0)
    *_, said, told = chat_server.asked[1]["messages"]
    assert said == {"role": "assistant", "content": text}
    assert complaint in told["content"]
    assert drafted.talk.replies == 2


def test_what_is_too_close_is_told_until_tries_are_out(
    chat_server: Any, talker: Any, small: View
) -> None:
    chat_server.rule = lambda body: json.dumps(ties(prediction=len(body["messages"]) / 10))
    with pytest.raises(FruitlessError, match=r"in 2 tries; the last is refused: as x\b") as caught:
        ask(talker(chat_server.url), small, check=lambda recipe: "as x", seed=0, tries=2)
    assert len(chat_server.asked) == 2
    assert "is refused: as x" in chat_server.asked[1]["messages"][-1]["content"]
    assert caught.value.talk.replies == 2
    assert caught.value.talk.messages[-1].content == json.dumps(ties(prediction=0.4))


def test_a_cut_reply_is_not_taken(chat_server: Any, said: Any, talker: Any, small: View) -> None:
    chat_server.rule = lambda body: said(json.dumps(ties()), finish="length")
    with pytest.raises(FruitlessError, match="cut off at the limit of tokens"):
        ask(talker(chat_server.url), small, seed=0, tries=1)


def test_a_long_reason_is_cut(chat_server: Any, talker: Any, small: View) -> None:
    chat_server.rule = lambda body: json.dumps(ties(reason="so\n\x1b[31m" * 10**3))
    reason = ask(talker(chat_server.url), small, seed=0).reason
    assert len(reason) <= SHORT
    assert reason.isprintable()


def test_a_server_that_is_down_is_told_of(talker: Any, view: View) -> None:
    with pytest.raises(ChatError, match="cannot be reached"):
        ask(talker("http://127.0.0.1:9/v1"), view, seed=0)


def test_families_without_operators_are_not_asked_for(
    chat_server: Any, talker: Any, view: View
) -> None:
    few = replace(view, living=(), founders=view.founders[:2])
    for bare, family in ((view, "nonsense"), (few, "task_vectors")):
        with pytest.raises(ReplyError, match=f"family '{family}' cannot be asked for"):
            ask(talker(chat_server.url), bare, family, seed=0)
    assert not chat_server.asked


def test_operators_without_their_base_are_left_out(
    chat_server: Any, talker: Any, view: View
) -> None:
    chat_server.rule = lambda body: "{}"
    with pytest.raises(FruitlessError):
        ask(talker(chat_server.url), replace(view, base=None), "averaging", seed=0, tries=1)
    asked = json.dumps(chat_server.asked[0]["response_format"])
    assert '"slerp"' in asked
    assert '"model_stock"' not in asked


@pytest.mark.parametrize(
    "family", ["alignment", "averaging", "mutation", "spectral", "task_vectors"]
)
def test_even_who_knows_nothing_proposes_recipes(
    family: str, chat_server: Any, talker: Any, view: View, babble: Any
) -> None:
    lengths = []

    def babbled(body: Mapping[str, Any]) -> str:
        schema = body["response_format"]["json_schema"]["schema"]
        lengths.append(len(text := babble(schema, 10 * body["seed"] + len(body["messages"]))))
        return str(text)

    chat_server.rule = babbled
    made = [ask(talker(chat_server.url), view, family, seed=seed) for seed in range(3)]
    assert len({one.recipe.id for one in made}) == 3
    assert all(fine(one.recipe) is None for one in made)
    assert max(lengths) <= 1024  # The usual limit of tokens, even if each is a letter.


def test_a_parameter_without_an_end_is_refused(view: View, talker: Any, chat_server: Any) -> None:
    endless = Offer("o", "f", "", (Role("model", 2, 2),), {"text": {"type": "string"}})
    with pytest.raises(ReplyError, match="a schema of type string has no end"):
        ask(talker(chat_server.url), replace(view, offers=(endless,)), "f", seed=0)


def test_the_shipped_template_is_one_that_agents_may_write(view: View) -> None:
    known = variables(view, family="f", offers=offered(view.offers))
    assert problems(shipped("breeder"), known, NEEDED) == []
