"""Trials on a real model: what is turned away, what is asked, and what the cache changes."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from speciate.configs.schema import Race as Settings
from speciate.configs.schema import Screens
from speciate.errors import RejectedError
from speciate.evaluator import Engine
from speciate.evaluator.cache import EvaluationCache
from speciate.evaluator.evaluator import Evaluator
from speciate.evaluator.metered import MeteredEngine
from speciate.evaluator.race import Bar, Race
from speciate.evaluator.split import Split
from speciate.evaluator.tokenizer import Tokenizer
from speciate.evaluator.trial import Trial
from speciate.population.randomness import stream
from speciate.records import Score

COUNT = 24
HIGH = Trial(Bar("a" * 40, {"choice": Score("accuracy", (1.0,) * COUNT)}))
LOW = Trial(Bar("b" * 40, {"choice": Score("accuracy", (0.0,) * COUNT)}))
Making = Callable[..., Evaluator]


@pytest.fixture
def engine(transformers: Engine) -> MeteredEngine:
    return MeteredEngine(transformers)


@pytest.fixture
def splits(zoo: Path, split: Any) -> dict[str, Split]:
    """A task that is raced, and one without weight that is not."""

    def read(task: str, count: int) -> list[Any]:
        lines = (zoo / "tasks" / f"{task}.search.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines[:count]]

    return {
        "choice": split(read("choice", COUNT), kind="multiple_choice"),
        "english": split(read("english", 5), kind="likelihood", weight=0),
    }


@pytest.fixture
def making(
    tmp_path: Path, engine: MeteredEngine, splits: dict[str, Split], base: Tokenizer
) -> Making:
    """Makes evaluators whose scores are remembered under a name."""

    def made(cache: str, screens: Screens | None = None) -> Evaluator:
        race = Race(Settings(chunk=4), splits, partial(stream, 0, "race"))
        known = EvaluationCache(tmp_path / cache)
        return Evaluator(engine, base, splits, known, race, screens, engine.work)

    return made


def test_who_stays_has_the_scores_that_all_items_at_once_give(
    making: Making, zoo: Path, engine: MeteredEngine
) -> None:
    model = zoo / "models" / "english"
    plain = making("plain").score("digest", model)
    assert making("raced").score("digest", model, LOW) == plain
    assert making("raced").score("digest", model, Trial()) == plain
    assert (engine.work.swaps, engine.work.items, engine.work.saved) == (2, 2 * (COUNT + 5), 0)


def test_what_is_in_the_cache_changes_no_race(
    making: Making, zoo: Path, engine: MeteredEngine
) -> None:
    model, told = zoo / "models" / "english", set()
    making("filled").score("digest", model)
    before = engine.work.swaps, engine.work.items
    for cache in ("filled", "empty"):
        with pytest.raises(RejectedError) as rejected:
            making(cache).score("digest", model, HIGH)
        told.add(str(rejected.value))
        if cache == "filled":
            assert (engine.work.swaps, engine.work.items) == before
            assert engine.work.saved == 0
    (text,) = told
    asked = int(text.split()[2])
    assert text == f"dropped after {asked} of {COUNT} items: it cannot reach aaaaaaaaaa"
    assert engine.work.items - before[1] == asked
    assert engine.work.saved == COUNT + 5 - asked


def test_screens_come_before_the_race_and_whatever_is_in_the_cache(
    making: Making, zoo: Path, engine: MeteredEngine
) -> None:
    strict, model = Screens(bits_per_token=0.1), zoo / "models" / "english"
    making("filled", strict).score("digest", model)
    before = engine.work.items
    for cache in ("filled", "empty"):
        with pytest.raises(RejectedError, match=r"^screen: .* more than 0\.1$"):
            making(cache, strict).score("digest", model, HIGH)
    assert engine.work.items == before
    assert engine.work.saved == COUNT + 5
