"""A campaign whose judge goes away in the middle stops, blames nobody, and goes on later."""

import json
from pathlib import Path
from typing import Any

import pytest

from speciate.archive.archive import Archive
from speciate.errors import ChatError
from speciate.evaluator import Engine
from speciate.session import run


def campaign(folder: Path, zoo: Path, url: str) -> Path:
    """A small campaign with a judge."""
    for split in ("search", "test"):
        items = [{"prompt": f"{split} {number}"} for number in range(3)]
        (folder / f"{split}.jsonl").write_text("\n".join(map(json.dumps, items)))
    models = [str(zoo / "models" / name) for name in ("library", "english")]
    path = folder / "judged.toml"
    path.write_text(f"""
        name = "judged"
        [founders]
        models = {json.dumps(models)}
        [engine]
        type = "transformers"
        [cluster]
        workers = 0
        [strategy]
        type = "genome"
        generations = 2
        population = 2
        crossover_rate = 1.0
        [[tasks]]
        name = "nice"
        kind = "judge"
        mode = "rubric"
        rubric = "short"
        search = "search.jsonl"
        test = "test.jsonl"
        max_tokens = 4
        endpoint = {{ base_url = "{url}", model = "judge-1", api_key_env = "KEY", retries = 0 }}
    """)
    return path


def test_a_judge_that_goes_away_is_waited_for(
    tmp_path: Path,
    zoo: Path,
    chat_server: Any,
    said: Any,
    transformers: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KEY", "sk-0123456789")
    judged: list[int] = []

    def verdict(body: Any) -> str:
        judged.append(len(judged))
        reason = json.dumps(body, sort_keys=True)
        return json.dumps({"reason": "so", "grade": 1 + sum(map(ord, reason)) % 5})

    def going_away(body: Any) -> Any:
        return said("gone", 503) if "messages" in body and len(judged) >= 9 else verdict(body)

    def start(*_: object) -> Engine:
        return transformers

    config = campaign(tmp_path, zoo, chat_server.url)
    chat_server.rule = going_away
    with pytest.raises(ChatError, match=r"answers 503 \(gone\)"):
        run(config, tmp_path / "a", start=start)
    chat_server.rule = verdict
    run(config, tmp_path / "a", start=start)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    run(config, tmp_path / "b", start=start)
    first, second = Archive.open(tmp_path / "a"), Archive.open(tmp_path / "b")
    assert first.head == second.head
    assert not any(one.error for one in first.individuals.values())
    task = json.dumps(first.config["tasks"])
    assert "judge-1" in task
    assert "KEY" not in task + str(list((tmp_path / "a").rglob("*")))
    assert chat_server.url not in task
