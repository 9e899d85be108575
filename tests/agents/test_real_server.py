"""A real vLLM server with a model that knows nothing: what schemas alone make of its replies."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from speciate.agents.breeder import propose
from speciate.agents.coder import Workshop, write
from speciate.agents.drafted import Drafted
from speciate.agents.template import shipped
from speciate.agents.view import Evolved, View
from speciate.chat.endpoint import EndpointChat
from speciate.errors import ConfigError, ReplyError
from speciate.population.operators.registry import validate
from speciate.records import Recipe

pytestmark = pytest.mark.nightly

Asking = Callable[[EndpointChat], Awaitable[Any]]


def problem(recipe: Recipe) -> str | None:
    try:
        validate(recipe)
    except ConfigError as exc:
        return str(exc)
    return None


def ask(chat: EndpointChat, *questions: Asking) -> list[Any]:
    """All at once; what fails is returned."""

    async def asked() -> list[Any]:
        async with chat:
            return await asyncio.gather(*(one(chat) for one in questions), return_exceptions=True)

    return asyncio.run(asked())


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_it_proposes_recipes_of_every_family(
    temperature: float, vllm_server: str, talker: Any, view: View
) -> None:
    chat = talker(vllm_server, model="tiny", temperature=temperature, timeout_s=300.0)
    families = sorted({one.family for one in view.offers})

    def of(family: str, seed: int) -> Asking:
        return lambda chat: propose(chat, view, shipped("breeder"), family, problem, seed)

    made = ask(chat, *(of(family, seed) for family in families for seed in range(2)))
    assert [one for one in made if not isinstance(one, Drafted)] == []
    known = {one.name: one.family for one in view.offers}
    assert [known[one.recipe.operator] for one in made[::2]] == families
    assert all(problem(one.recipe) is None for one in made)


def test_it_replies_as_coders_do(vllm_server: str, talker: Any, view: View) -> None:
    """Sources are free text: here, all will do, and then none."""
    chat = talker(vllm_server, model="tiny", temperature=1.0, max_tokens=4096, timeout_s=300.0)

    def of(workshop: Workshop, tries: int) -> Asking:
        template = shipped("coder")
        return lambda chat: write(chat, view, template, "full", (), workshop, 1, tries)

    def refused(source: str) -> list[str]:
        return [f"{len(source)} letters, but no operator"]

    lenient = Workshop(lambda source: [], lambda source: [], lambda recipe: None)
    strict = Workshop(refused, lambda source: [], lambda recipe: None)
    made, failed = ask(chat, of(lenient, 3), of(strict, 2))
    assert made.recipe.operator == "evolved"
    assert len(set(made.recipe.with_role("model"))) >= 2
    assert set(made.recipe.parameters) == {"source", "values"}
    assert isinstance(failed, ReplyError)
    assert "letters, but no operator" in str(failed)


def test_its_edits_are_never_skipped(vllm_server: str, talker: Any, view: View) -> None:
    chat = talker(vllm_server, model="tiny", temperature=1.0, max_tokens=4096, timeout_s=300.0)
    source = Evolved("1" * 64, "Mean.", '"""Mean."""\nimport numpy as np\n')
    lenient = Workshop(lambda source: [], lambda source: [], lambda recipe: None)

    def edit(chat: EndpointChat) -> Awaitable[Drafted]:
        return write(chat, view, shipped("coder"), "diff", [source], lenient, 1)

    (failed,) = ask(chat, edit)
    assert isinstance(failed, ReplyError)
    assert "cannot be applied, and nothing was: edit 1" in str(failed)
