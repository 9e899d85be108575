"""Scores models: fitness on the search splits, and, at the end, the test splits."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from speciate.configs import schema
from speciate.errors import RejectedError
from speciate.evaluator import Engine
from speciate.evaluator.asked import AskOnce
from speciate.evaluator.cache import EvaluationCache
from speciate.evaluator.metered import Work
from speciate.evaluator.race import Race
from speciate.evaluator.screens import Screening
from speciate.evaluator.split import Split
from speciate.evaluator.tasks import Answering, Kind, Partial, kind_of
from speciate.evaluator.tokenizer import Tokenizer
from speciate.evaluator.trial import Trial
from speciate.records import Evaluation, Score

Found = Mapping[str, Score | None]


class Evaluator:
    """One engine, the tasks, and the cache."""

    def __init__(
        self,
        engine: Engine,
        tokenizer: Tokenizer,
        splits: Mapping[str, Split],
        cache: EvaluationCache,
        race: Race | None = None,
        screens: schema.Screens | None = None,
        work: Work | None = None,
    ) -> None:
        """Tokenises the splits.

        Args:
            engine: Already started.
            tokenizer: Of the founders.
            splits: The splits to score, by any name.
            cache: Looked into before, and filled after, each scoring.
            race: Drops those on trial that cannot reach their bar.
            screens: What those on trial must pass.
            work: Counts items.

        Raises:
            TaskError: An item is too long for the engine, or there is nothing to screen with.
        """
        self.engine = engine
        self._splits = splits
        self._cache = cache
        self._kinds: dict[str, Kind] = {
            name: split.prepare(tokenizer, engine.limit) for name, split in splits.items()
        }
        self._partial = {n: kind for n, kind in self._kinds.items() if isinstance(kind, Partial)}
        self._race = race
        self._screens = Screening(screens, self._kinds, engine.limit) if screens else None
        self._work = work or Work()

    def score(
        self, digest: str, model: Path | None, trial: Trial | None = None
    ) -> dict[str, Score]:
        """Scores on every split, by its name.

        What becomes of a candidate on trial does not depend on what is in the cache.

        Args:
            digest: Of the weights.
            model: Folder that holds them; read only if it must be screened, or a score is not in
                the cache. None if the engine has them already.
            trial: If the candidate is on trial.

        Raises:
            RejectedError: It is, and was turned away.
            EvaluationError: The engine cannot load or run the model.
        """
        fingerprint = self.engine.fingerprint
        found = {
            name: self._cache.get(digest, split.digest, fingerprint)
            for name, split in self._splits.items()
        }
        if model and (None in found.values() or (trial and self._screens)):
            self.engine.load(model)
        raced = self._tried(digest, found, trial) if trial else {}
        scores = {}
        for name, score in found.items():
            if score is None:
                score = raced[name] if name in raced else self._all(name)
                self._cache.put(digest, self._splits[name].digest, fingerprint, score)
            scores[name] = score
        return scores

    def _tried(self, digest: str, found: Found, trial: Trial) -> dict[str, Score]:
        """What screens, estimate and race leave known of a candidate on trial.

        Raises:
            RejectedError: They turn it away.
        """
        unknown = [name for name, score in found.items() if score is None]
        left = self._work.items + sum(len(self._splits[name].items) for name in unknown)
        try:
            if self._screens:
                self._screens.check(self.engine)
            ask = AskOnce(partial(self._some, found))
            if trial.estimate:
                trial.estimate.check(ask)
            if self._race:
                return self._race.run(digest, trial.bar, ask)
            return trial.estimate.rest(ask) if trial.estimate else {}
        except RejectedError:
            self._work.saved += left - self._work.items
            raise

    def _some(self, found: Found, name: str, items: Sequence[int]) -> Score:
        """Some items of a split that can be raced."""
        if (known := found[name]) is not None:
            return known.of(items)
        self._work.items += len(items)
        return self._partial[name].score_items(self.engine, items)

    def _all(self, name: str) -> Score:
        self._work.items += len(self._splits[name].items)
        return self._kinds[name].score(self.engine)


class Answers:
    """Which answers to splits are right, which takes no engine."""

    def __init__(self, tokenizer: Tokenizer, splits: Mapping[str, Split], limit: int) -> None:
        """Tokenises the splits for engines that take sequences of `limit` tokens."""
        self._kinds = {name: split.prepare(tokenizer, limit) for name, split in splits.items()}

    @property
    def names(self) -> frozenset[str]:
        """Of the splits."""
        return frozenset(self._kinds)

    def right(self, name: str, index: int, answer: str) -> bool:
        """Whether `answer` is right for an item of a split.

        Raises:
            ValueError: The task's kind has no answers.
        """
        kind = self._kinds[name]
        if not isinstance(kind, Answering):
            raise ValueError(f"task '{name}' has no answers")
        return kind.right(index, answer)


def evaluation(
    tasks: Sequence[schema.Task], scores: Mapping[str, Score], fingerprint: str
) -> Evaluation:
    """Search scores as an evaluation: fitness is the weighted mean of the tasks' fitness."""
    weighted = [task for task in tasks if task.weight > 0]
    total = sum(task.weight for task in weighted)
    fitness = sum(task.weight * kind_of(task).fitness(scores[task.name].value) for task in weighted)
    return Evaluation(fitness / total, dict(scores), fingerprint)
