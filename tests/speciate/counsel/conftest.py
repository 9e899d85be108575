"""A small campaign with agents, and agents that say what a test wants."""

import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest


def merge(names: Sequence[str], weights: Sequence[float], prediction: float = 0.5) -> str:
    """What a breeder replies that wants a weighted average of named models."""
    first, *others = [
        {"name": name, "weight": weight} for name, weight in zip(names, weights, strict=True)
    ]
    model = {"first": first["name"], "weight": first["weight"], "others": others}
    recipe = {"operator": "linear", "model": model, "parameters": {"normalize": True}}
    return json.dumps({"reason": "because", "recipe": recipe, "prediction": prediction})


@pytest.fixture
def averaging(chat_server: Any) -> Any:
    """A server of an agent that always averages, each time with other weights."""
    counter = itertools.count(1)

    def rule(_: Any) -> str:
        return merge(["library", "english", "headers"], [1.0, 0.1 * next(counter), 0.3])

    chat_server.rule = rule
    return chat_server


@pytest.fixture
def campaign(tmp_path: Path, zoo: Path) -> Callable[..., Path]:
    """Writes a campaign file with agents at a URL."""

    def write(url: str, strategy: str = "", agents: str = "", endpoint: str = "") -> Path:
        for split, start in (("search", 0), ("test", 8)):
            file = zoo / "tasks" / f"library.{split}.jsonl"
            lines = file.read_text().splitlines()[start : start + 8]
            (tmp_path / f"{split}.jsonl").write_text("\n".join(lines))
        models = [str(zoo / "models" / name) for name in ("library", "english", "headers")]
        path = tmp_path / "agents.toml"
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
            evaluations = 8
            batch = 2
            lag = 4
            {strategy}
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
            model = "m"
            base_url = "{url}"
            retries = 0
            {endpoint}
        """)
        return path

    return write
