"""What a worker does with a candidate: breed it, load it into the engine, score it."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
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
from speciate.nursery import Known, Nursery
from speciate.population.breeding_process import BreedingProcess
from speciate.population.founders import Founder
from speciate.population.processes import KilledError
from speciate.population.randomness import stream
from speciate.records import Individual, Score

Splits = Mapping[str, Split]
SplitName = Literal["search", "validation", "test"]
Start = Callable[[schema.Engine, Path], Engine]


@dataclass(frozen=True)
class Setup:
    """All that a worker needs to begin with.

    Attributes:
        folder: Of the campaign; holds the weights and what was measured before.
        validation: What is kept from selection, in a campaign that keeps some.
    """

    config: schema.Campaign
    founders: Sequence[Founder]
    folder: Path
    search: Splits
    test: Splits
    validation: Splits = field(default_factory=dict)

    @property
    def frame(self) -> Path:
        """The model folder that engines start on."""
        return self.founders[0].path


@dataclass(frozen=True)
class Job:
    """One individual, or several adapters together, to score on one split of every task.

    Attributes:
        litter: Each is bred first if it has no digest yet.
        lineage: Ancestors whose weights are needed for that, and theirs where they are not stored.
        trial: If they may be turned away before they are scored in full.
    """

    litter: tuple[Individual, ...]
    lineage: Mapping[str, Individual]
    split: SplitName = "search"
    trial: Trial | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of a job for one of its individuals.

    Attributes:
        digest: Of the weights; None when breeding failed.
        scores: By task; empty when breeding or scoring failed.
        fingerprint: Of the engine.
        error: Why it failed; the same text wherever it fails.
        cause: The error behind it, for the telemetry.
        work: What was done for it; of a litter, the first has what was done for all.
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


@dataclass(frozen=True)
class _Candidate:
    """How far an individual of a job has come."""

    digest: str | None
    folder: Path | None = None
    scores: Mapping[str, Score] = field(default_factory=dict)
    fails: BreedError | EvaluationError | None = None

    def told(self, found: Mapping[str, Score] | EvaluationError) -> "_Candidate":
        """With its scores, or why there are none."""
        if isinstance(found, EvaluationError):
            return replace(self, fails=found)
        return replace(self, scores=found)


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
        self._adapters = setup.config.engine.adapters is not None
        self._engine = MeteredEngine(start(setup.config.engine, self._frame))
        self.hello = Hello(
            self._engine.fingerprint, self._engine.limit, round(time.monotonic() - began, 3)
        )
        tokenizer = Tokenizer(self._frame)
        cache = EvaluationCache(setup.folder / "evaluations")
        race, screens, work = _race(setup), setup.config.screens, self._engine.work
        self._evaluators: dict[SplitName, Evaluator] = {
            "search": Evaluator(self._engine, tokenizer, setup.search, cache, race, screens, work),
            "validation": Evaluator(self._engine, tokenizer, setup.validation, cache, work=work),
            "test": Evaluator(self._engine, tokenizer, setup.test, cache, work=work),
        }
        paths = {founder.recipe.id: founder.path for founder in setup.founders}
        self.store = WeightStore(setup.folder / "weights")
        self._process = BreedingProcess()
        self._nursery = Nursery(paths, self.store, setup.config.store, self._process)

    def carry_out(self, job: Job) -> tuple[Outcome, ...]:
        """Scores candidates; one that cannot be bred or scored has an outcome too.

        Raises:
            EvaluationError: The engine cannot even load a founder: it is not the candidates.
            DamageError: A rebuild did not give the recorded weights.
        """
        began, before = time.monotonic(), replace(self._engine.work)
        with ExitStack() as stack:
            ready = [self._ready(one, job.lineage, stack) for one in job.litter]
            scores = self._scored(ready, job)
        if any(one.fails and not isinstance(one.fails, RejectedError) for one in scores):
            self._check_engine()
        work = self._engine.work - before
        work.seconds = time.monotonic() - began
        return tuple(
            self._outcome(one, work if number == 0 else Work()) for number, one in enumerate(scores)
        )

    def _scored(self, ready: Sequence["_Candidate"], job: Job) -> list["_Candidate"]:
        """The candidates with their scores; those that failed before take no part."""
        litter = [one for one in ready if one.fails is None]
        digests = [one.digest for one in litter if one.digest]

        def load(numbers: Sequence[int]) -> None:
            self._load([litter[number].folder for number in numbers])

        found = iter(self._evaluators[job.split].score_all(digests, load, job.trial))
        return [one if one.fails else one.told(next(found)) for one in ready]

    def _load(self, folders: Sequence[Path | None]) -> None:
        """Gives the engine models; a single one may be in it already."""
        if self._adapters:
            self._engine.load_adapters([f if f != self._frame else None for f in folders])
        elif folders[0]:
            self._engine.load(folders[0])

    def _ready(self, one: Individual, lineage: Known, stack: ExitStack) -> "_Candidate":
        """A candidate with its folder, or without when the engine has been given the weights.

        Who has not been bred is bred: models straight into the engine, adapters into a folder that
        is there until the stack is left.
        """
        try:
            if one.digest is not None:
                return _Candidate(
                    one.digest, self._nursery.folder(one.id, {**lineage, one.id: one})
                )
            if self._adapters:
                return _Candidate(*stack.enter_context(self._nursery.newborn_adapter(one, lineage)))
            return _Candidate(self._bred(one, lineage))
        except (BreedError, EvaluationError) as exc:
            return _Candidate(one.digest, fails=exc)

    def _bred(self, one: Individual, lineage: Known) -> str:
        """The digest of an individual that was bred into the engine."""
        try:
            return self._bred_once(one, lineage)
        except KilledError:  # Says nothing of the recipe; now it is bred by threads.
            return self._bred_once(one, lineage)

    def _bred_once(self, one: Individual, lineage: Known) -> str:
        with self._nursery.newborn(one, lineage) as offspring:
            self._engine.load_tensors(offspring)
        return offspring.digest

    def _check_engine(self) -> None:
        """After a failure: whether the engine still answers for the model it began with."""
        if self._adapters:
            self._engine.load_adapters([None])
            self._engine.logprobs([[0, 0]])
        else:
            self._engine.load(self._frame)

    def _outcome(self, one: "_Candidate", work: Work) -> Outcome:
        error, cause = None, None
        if one.fails is not None:
            error = str(one.fails)
            rejected = isinstance(one.fails, RejectedError)
            cause = error if rejected else repr(one.fails.__cause__ or one.fails)
        return Outcome(one.digest, one.scores, self.hello.fingerprint, error, cause, work)

    @property
    def progress(self) -> tuple[int, int]:
        """Changes whenever the engine has done something."""
        return self._engine.work.swaps, self._engine.work.tokens

    def close(self) -> None:
        """Takes the engine down, and the process beside it."""
        self._process.close()
        self._engine.close()


def _race(setup: Setup) -> Race | None:
    """How the campaign races candidates, each in an order that goes with its weights."""
    if setup.config.race is None:
        return None
    return Race(setup.config.race, setup.search, partial(stream, setup.config.seed, "race"))
