"""What people are told while a campaign runs, by a clock that the test turns."""

import io
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live

from speciate.counsel.journal import Answer
from speciate.counsel.telling import Telling
from speciate.evaluator import Engine
from speciate.session import run
from speciate.watch import LiveWatch, Meter, PlainWatch

REFUSED = Answer("breeder@a:averaging", 1, "g", "", error="[/b] gone\x1b[2J", silent=True)


def test_the_same_is_not_told_twice_within_a_minute() -> None:
    said: list[str] = []
    clock = iter([0.0, 59.0, 61.0, 62.0, 63.0, 64.0])
    telling = Telling(said.append, Path("runs/x"), lambda: next(clock))
    telling.asks([])
    for endpoints in (["b", "a", "b"], ["a"], ["a"]):
        telling.asks(endpoints)
    assert said == ["asking agents: 3 questions to a, b", "asking agents: 1 question to a"]
    for endpoint in ("a", "b", "b"):
        telling.rests(endpoint, 9, REFUSED)
    assert said[2:] == [
        rf"no answer from endpoint '{endpoint}', which rests until step 9: [/b] gone\x1b[2J"
        for endpoint in ("a", "b")
    ]


def test_words_of_strangers_are_no_markup() -> None:
    text = io.StringIO()
    PlainWatch(Meter(1), Console(file=text)).note("[/b] [red]x")
    with Live(console=Console(file=text, force_terminal=True), auto_refresh=False) as live:
        LiveWatch(Meter(1), live).note("[/i] [red]y")
    assert "[/b] [red]x" in text.getvalue()
    assert "[/i] [red]y" in text.getvalue()


def _notes(path: Path, out: Path, engine: Engine) -> str:
    text = io.StringIO()
    run(
        path,
        out,
        view_for=lambda one: PlainWatch(Meter(one.steps), Console(file=text)),
        start=lambda *_: engine,
    )
    return text.getvalue()


def test_a_campaign_tells_of_silence_and_of_what_waits(
    campaign: Any, averaging: Any, transformers: Engine, tmp_path: Path
) -> None:
    path = campaign("http://127.0.0.1:9/v1", strategy="evaluations = 4")
    said = _notes(path, tmp_path / "silent", transformers)
    assert "asking agents: " in said
    assert "no answer from endpoint 'local', which rests until step" in said
    assert "wait for you" not in said
    path = campaign(averaging.url, "evaluations = 4", 'review.recipe.mode = "review"')
    said = _notes(path, tmp_path / "shy", transformers)
    assert said.count("proposals wait for you: speciate review list") == 1
    assert "no answer" not in said
