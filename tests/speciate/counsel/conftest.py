"""A small campaign with agents, and agents that say what a test wants."""

import itertools
import json
import os
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from speciate.agents.template import shipped
from speciate.archive.archive import Archive
from speciate.evaluator import Engine
from speciate.session import run

OPERATORS = Path(__file__).parents[3] / "docs" / "evolved-operators"
REVIEWER = "Ada <ada@example.org>"
_STEP = 'return base + np.float32(parameters["scale"]) * (mean - base)'
_LARGE_STEPS = """step = np.float32(parameters["scale"]) * (mean - base)
    return base + np.where(np.abs(step) > np.float32(1e-4), step, np.float32(0))"""


def merge(names: Sequence[str], weights: Sequence[float], prediction: float = 0.5) -> str:
    """What a breeder replies that wants a weighted average of named models."""
    first, *others = [
        {"name": name, "weight": weight} for name, weight in zip(names, weights, strict=True)
    ]
    model = {"first": first["name"], "weight": first["weight"], "others": others}
    recipe = {"operator": "linear", "model": model, "parameters": {"normalize": True}}
    return json.dumps({"reason": "because", "recipe": recipe, "prediction": prediction})


def code(prompt: str, seed: int) -> str:
    """What a coder replies to a prompt that asks for a new operator, for edits, or to cross two."""
    dice = random.Random(seed)
    recipe = {"operator": "evolved", "model": {"first": "library", "others": ["english"]}}
    reply: dict[str, Any] = {"reason": "large steps count", "values": [], "prediction": 0.25}
    if "Improve an operator" in prompt:
        reply["edits"] = [{"search": _STEP, "replace": _LARGE_STEPS}]
    elif "Combine the ideas" in prompt:
        reply["source"] = (OPERATORS / "sign_consensus.py").read_text()
    else:
        reply["source"] = (OPERATORS / "linear.py").read_text()
        reply["values"] = [{"name": "scale", "value": round(dice.uniform(0.5, 1.5), 3)}]
    return json.dumps(reply | {"recipe": recipe | {"parameters": {}}})


def replied(body: Mapping[str, Any]) -> str:
    """What an agent replies that can do both; the same to the same request."""
    prompt = body["messages"][1]["content"]
    if "Propose one new model" not in prompt:
        return code(prompt, body["seed"])
    first, second = (round(random.Random(body["seed"]).uniform(0.1, 2), 3) for _ in range(2))
    return merge(["library", "english", "headers"], [1.0, first, second])


@pytest.fixture
def agents(chat_server: Any) -> Any:
    """A server of agents that can do all."""
    chat_server.rule = replied
    return chat_server


class Impatient:
    """A view of somebody who presses Ctrl-C after a step."""

    def __init__(self, step: int) -> None:
        self._step = step

    def step(self, state: Any, *_: Any) -> None:
        if state.step == self._step:
            raise KeyboardInterrupt

    def candidate(self, *_: Any) -> None: ...
    def engine(self, *_: Any) -> None: ...
    def note(self, *_: Any) -> None: ...


@pytest.fixture
def stopped(transformers: Engine) -> Callable[..., None]:
    """Runs a campaign until somebody presses Ctrl-C after a step."""

    def run_until(step: int, path: Path, out: Path, **more: Any) -> None:
        with pytest.raises(KeyboardInterrupt):
            run(
                path,
                out,
                view_for=lambda _: Impatient(step),
                start=lambda *_: transformers,
                **more,
            )

    return run_until


@pytest.fixture
def reviewer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whom git takes the user for."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    (tmp_path / "gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    return REVIEWER


@pytest.fixture
def averaging(chat_server: Any) -> Any:
    """A server of an agent that always averages, each time with other weights."""
    counter = itertools.count(1)

    def rule(_: Any) -> str:
        return merge(["library", "english", "headers"], [1.0, 0.1 * next(counter), 0.3])

    chat_server.rule = rule
    return chat_server


SOURCE = '''"""Mean of the models, a little shorter or longer."""
import numpy as np

PARAMETERS = {"length": (0.9, 1.1, 1.0)}


def merge(models, base, parameters, random):
    if all((model == models[0]).all() for model in models):
        return models[0].copy()
    return (np.mean(models, axis=0) * parameters["length"]).astype(np.float32)
'''
NONSENSE = "I \x1b[31mcannot\u202e"


class Team:
    """What a whole team of agents replies: breeder, coder, critic and improver.

    Every third time the breeder replies nonsense.
    """

    def __init__(self) -> None:
        self._bred, self._written = itertools.count(1), itertools.count()

    def __call__(self, body: Any) -> str:
        wanted = body["response_format"]["json_schema"]["schema"]["properties"]
        if "template" in wanted:
            text = "Think twice.\n" + shipped("breeder")
            return json.dumps({"reason": "bolder", "template": text, "temperature": 0.5})
        if "insights" in wanted:
            return json.dumps({"insights": ["Less is more."], "recommendations": ["Try headers."]})
        if "text" in wanted:
            return json.dumps({"text": "Halves help."})
        if "source" in wanted or "edits" in wanted:
            model = {"first": "library", "others": ["english"]}
            recipe = {"operator": "evolved", "model": model, "parameters": {}}
            values = [{"name": "length", "value": 0.9 + 0.02 * (next(self._written) % 10)}]
            reply = {"reason": "new", "recipe": recipe, "values": values, "prediction": 0.25}
            return json.dumps(reply | {"source": SOURCE})
        number = next(self._bred)
        if number % 3 == 0:
            return NONSENSE
        third = ["headers"] * (number % 3 == 1)
        return merge(["library", "english", *third], [1.0, 0.1 * number, *[0.3] * len(third)], 0.25)


@pytest.fixture(scope="session")
def team_archive(
    tmp_path_factory: pytest.TempPathFactory, zoo: Path, new_chat_server: Any, transformers: Engine
) -> Iterator[Archive]:
    """A finished campaign of a whole team; what is bred from headers waits for people."""
    folder, server = tmp_path_factory.mktemp("team"), new_chat_server()
    server.rule = Team()
    path = written(
        folder,
        zoo,
        server.url,
        strategy="evaluations = 20",
        agents="""
            improvement = 2
            insights = 2
            tries = 1
            review.code.mode = "auto"
            review.recipe = { mode = "review-if", protected = ["headers"], reach = "parents" }
            choice = { explore = 1.0, allowance = 10.0 }
        """,
        endpoint="""
            roles = ["breeder", "coder", "critic", "improver"]
            prices = { input = 1000.0, output = 2000.0 }
        """,
    )
    run(path, folder / "out", start=lambda *_: transformers)
    yield Archive.open(folder / "out")
    server.close()


@pytest.fixture
def campaign(tmp_path: Path, zoo: Path) -> Callable[..., Path]:
    """Writes a campaign file with agents at a URL."""
    return partial(written, tmp_path, zoo)


def written(
    folder: Path,
    zoo: Path,
    url: str,
    strategy: str = "",
    agents: str = "",
    endpoint: str = "",
    model: str = "m",
) -> Path:
    """A campaign file with agents at a URL, and its tasks."""
    for split, start in (("search", 0), ("test", 8)):
        file = zoo / "tasks" / f"library.{split}.jsonl"
        lines = file.read_text().splitlines()[start : start + 8]
        (folder / f"{split}.jsonl").write_text("\n".join(lines))
    models = [str(zoo / "models" / name) for name in ("library", "english", "headers")]
    path = folder / "agents.toml"
    path.write_text(f"""
        name = "agents"
        [founders]
        base = "{zoo}/models/base"
        models = {json.dumps(models)}
        [engine]
        type = "transformers"
        [cluster]
        workers = 0
        [strategy]
        type = "steady_state"
        population = 4
        batch = 2
        lag = 4
        {strategy or "evaluations = 8"}
        [[tasks]]
        name = "library"
        kind = "likelihood"
        search = "search.jsonl"
        test = "test.jsonl"
        [agents]
        families = ["averaging"]
        {agents}
        [[agents.endpoints]]
        name = "local"
        model = "{model}"
        base_url = "{url}"
        retries = 0
        {endpoint}
    """)
    return path
