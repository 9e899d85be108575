"""What a worker does with a candidate: breed it, load it into the engine, score it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Literal

from speciate.archive.store import WeightStore
from speciate.configs import schema
from speciate.errors import BreedError, EvaluationError, RejectedError
from speciate.evaluator import Engine
from speciate.evaluator.cache import EvaluationCache
from speciate.evaluator.evaluator import Evaluator
from speciate.evaluator.metered import MeteredEngine, Work
from speciate.evaluator.race import Race
from speciate.evaluator.split import Split
from speciate.evaluator.start import start_engine
from speciate.evaluator.tokenizer import Tokenizer
from speciate.evaluator.trial import Trial
from speciate.nursery import Nursery
from speciate.population.founders import Founder
from speciate.population.randomness import stream
from speciate.records import Individual, Score

Splits = Mapping[str, Split]
SplitName = Literal["search", "test"]
Start = Callable[[schema.Engine, Path], Engine]


@dataclass(frozen=True)
class Setup:
    """All that a worker needs to begin with.

    Attributes:
        folder: Of the campaign; holds the weights and what was measured before.
    """

    config: schema.Campaign
    founders: Sequence[Founder]
    folder: Path
    search: Splits
    test: Splits

    @property
    def frame(self) -> Path:
        """The model folder that engines start on."""
        return self.founders[0].path


@dataclass(frozen=True)
class Job:
    """One individual to score on one split of every task.

    Attributes:
        one: Bred first if it has no digest yet.
        lineage: Ancestors whose weights are needed for that, and theirs where they are not stored.
        trial: If it may be turned away before it is scored in full.
    """

    one: Individual
    lineage: Mapping[str, Individual]
    split: SplitName = "search"
    trial: Trial | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of a job.

    Attributes:
        digest: Of the weights; None when breeding failed.
        scores: By task; empty when breeding or scoring failed.
        fingerprint: Of the engine.
        error: Why it failed; the same text wherever it fails.
        cause: The error behind it, for the telemetry.
        work: What was done for it.
        worker: Number of the worker.
    """

    digest: str | None
    scores: Mapping[str, Score] = field(default_factory=dict)
    fingerprint: str = ""
    error: str | None = None
    cause: str | None = None
    work: Work = field(default_factory=Work)
    worker: int = 0


@dataclass(frozen=True)
class Hello:
    """What a worker says once its engine is up; `limit` is the longest sequence in tokens."""

    fingerprint: str
    limit: int
    start_seconds: float


class Worker:
    """Owns one engine, which stays up."""

    def __init__(self, setup: Setup, start: Start = start_engine) -> None:
        """Starts the engine.

        Raises:
            EvaluationError: It does not start.
            TaskError: An item is too long for it.
        """
        began = time.monotonic()
        self._frame = setup.frame
        self._engine = MeteredEngine(start(setup.config.engine, self._frame))
        self.hello = Hello(
            self._engine.fingerprint, self._engine.limit, round(time.monotonic() - began, 3)
        )
        tokenizer = Tokenizer(self._frame)
        cache = EvaluationCache(setup.folder / "evaluations")
        race, screens, work = _race(setup), setup.config.screens, self._engine.work
        self._evaluators: dict[SplitName, Evaluator] = {
            "search": Evaluator(self._engine, tokenizer, setup.search, cache, race, screens, work),
            "test": Evaluator(self._engine, tokenizer, setup.test, cache, work=work),
        }
        paths = {founder.recipe.id: founder.path for founder in setup.founders}
        self.store = WeightStore(setup.folder / "weights")
        self._nursery = Nursery(paths, self.store, setup.config.store)

    def carry_out(self, job: Job) -> Outcome:
        """Scores a candidate; one that cannot be bred or scored is an outcome too.

        Raises:
            EvaluationError: The engine cannot even load a founder: it is not the candidate.
            DamageError: A rebuild did not give the recorded weights.
        """
        began, before = time.monotonic(), replace(self._engine.work)
        digest, error, cause = job.one.digest, None, None
        scores: Mapping[str, Score] = {}
        try:
            digest, model = self._ready(job)
            scores = self._evaluators[job.split].score(digest, model, job.trial)
        except RejectedError as exc:  # Nothing is wrong with the engine.
            error = cause = str(exc)
        except (BreedError, EvaluationError) as exc:
            error, cause = str(exc), repr(exc.__cause__ or exc)
            self._engine.load(self._frame)
        work = self._engine.work - before
        work.seconds = time.monotonic() - began
        return Outcome(digest, scores, self.hello.fingerprint, error, cause, work)

    def _ready(self, job: Job) -> tuple[str, Path | None]:
        """The digest, and the model folder, or None when the engine has been given the weights.

        Who has not been bred is bred straight into the engine.
        """
        one = job.one
        if one.digest is not None:
            return one.digest, self._nursery.folder(one.id, {**job.lineage, one.id: one})
        with self._nursery.newborn(one, job.lineage) as offspring:
            self._engine.load_tensors(offspring)
        return offspring.digest, None

    @property
    def progress(self) -> tuple[int, int]:
        """Changes whenever the engine has done something."""
        return self._engine.work.swaps, self._engine.work.tokens

    def close(self) -> None:
        """Takes the engine down."""
        self._engine.close()


def _race(setup: Setup) -> Race | None:
    """How the campaign races candidates, each in an order that goes with its weights."""
    if setup.config.race is None:
        return None
    return Race(setup.config.race, setup.search, partial(stream, setup.config.seed, "race"))
