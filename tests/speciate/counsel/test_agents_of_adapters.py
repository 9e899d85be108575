"""Agents in campaigns whose founders are adapters."""

import itertools
import json
from pathlib import Path
from typing import Any

from speciate.archive.archive import Archive
from speciate.evaluator import Engine
from speciate.records import FOUNDER
from speciate.session import run
from speciate.verify import verify

FOUNDERS = ("library", "english", "headers")


def campaign(folder: Path, zoo: Path, adapters: Path, url: str) -> Path:
    for split, start in (("search", 0), ("test", 4)):
        lines = (zoo / "tasks" / f"library.{split}.jsonl").read_text().splitlines()
        (folder / f"{split}.jsonl").write_text("\n".join(lines[start : start + 4]))
    path = folder / "agents.toml"
    path.write_text(f"""
        name = "agents"
        cluster = {{ workers = 0 }}
        engine = {{ type = "transformers", adapters = 3 }}
        [founders]
        base = "{zoo}/models/base"
        models = {json.dumps([str(adapters / name) for name in FOUNDERS])}
        [strategy]
        type = "steady_state"
        population = 4
        evaluations = 6
        batch = 2
        lag = 4
        [[tasks]]
        name = "library"
        kind = "likelihood"
        search = "search.jsonl"
        test = "test.jsonl"
        [agents]
        choice.explore = 1.0
        review.recipe = {{ mode = "review-if", protected = ["headers"], reach = "parents" }}
        [[agents.endpoints]]
        name = "local"
        model = "m"
        base_url = "{url}"
    """)
    return path


def test_they_breed_adapters(
    zoo: Path,
    adapters: Path,
    chat_server: Any,
    transformers: Engine,
    tmp_path: Path,
    monkeypatch: Any,
    cli: Any,
) -> None:
    transformers.load(zoo / "models" / "base")
    counter = itertools.count(1)

    def rule(_: Any) -> str:
        number = next(counter)
        others = [{"name": "english", "weight": 0.2 * number}]
        others += [{"name": "headers", "weight": 1.0}] * (number % 2)
        adapter = {"first": "library", "weight": 1.0, "others": others}
        more = {"normalize": True, "scale": 1.0, "consensus": "none", "density": 1.0}
        recipe = {"operator": "lora_svd", "adapter": adapter, "parameters": more}
        return json.dumps({"reason": "because", "recipe": recipe, "prediction": 0.5})

    chat_server.rule = rule
    path, out = campaign(tmp_path, zoo, adapters, chat_server.url), tmp_path / "out"
    run(path, out, start=lambda *_: transformers)
    archive = Archive.open(out)
    known = archive.individuals
    theirs = [one for one in known.values() if one.origin]
    assert theirs
    assert all(one.error is None for one in theirs)
    assert {one.recipe.operator for one in theirs} == {"lora_svd"}
    assert archive.config["agents"]["families"] == ["adapters"]
    # The base is a model: it may not be bred from.
    base = next(n for n, one in known.items() if one.recipe.parameters.get("name") == "base")
    assert known[base].recipe.operator == FOUNDER
    [asked, *_] = chat_server.asked
    schema = json.dumps(asked["response_format"])
    assert "library" in schema
    assert '"base"' not in schema
    assert '"rank"' not in schema
    assert verify(archive, [theirs[0].id], lambda _: None) == []
    # Drafts of adapters can be approved.
    for key, value in {"AUTHOR_NAME": "Ada", "AUTHOR_EMAIL": "ada@example.org"}.items():
        monkeypatch.setenv(f"GIT_{key}", value)
        monkeypatch.setenv(f"GIT_{key.replace('AUTHOR', 'COMMITTER')}", value)
    [first, *_] = archive.drafts.waiting()
    said = cli("review", "approve", out, first)
    assert (said.status, said.err) == (0, "")
    asked_before = len(chat_server.asked)
    run(path, tmp_path / "again", start=lambda *_: transformers, replay=out)
    assert len(chat_server.asked) == asked_before
    assert Archive.open(tmp_path / "again").head == archive.head
