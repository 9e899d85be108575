"""Scores models: fitness on the search splits, and, at the end, the test splits."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from speciate.configs import schema
from speciate.errors import EvaluationError, RejectedError
from speciate.evaluator import Engine
from speciate.evaluator.asked import AskOnce
from speciate.evaluator.cache import EvaluationCache
from speciate.evaluator.metered import Work
from speciate.evaluator.race import Race
from speciate.evaluator.screens import Screening
from speciate.evaluator.split import Split
from speciate.evaluator.tasks import Answering, Kind, Partial, kind_of
from speciate.evaluator.together import together
from speciate.evaluator.tokenizer import Tokenizer
from speciate.evaluator.trial import Trial
from speciate.records import Evaluation, Score, digest_of

Found = Mapping[str, Score | None]
Load = Callable[[Sequence[int]], None]


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
        """Scores of one model on every split, by its name.

        Args:
            digest: Of the weights.
            model: Folder that holds them; read only if it must be screened, or a score is not in
                the cache. None if the engine has them already.
            trial: If the candidate is on trial.

        Raises:
            RejectedError: It is, and was turned away.
            EvaluationError: The engine cannot load or run the model.
        """

        def load(_: Sequence[int]) -> None:
            if model:
                self.engine.load(model)

        [found] = self.score_all([digest], load, trial)
        if isinstance(found, Exception):
            raise found
        return found

    def score_all(
        self, digests: Sequence[str], load: Load, trial: Trial | None = None
    ) -> list[dict[str, Score] | EvaluationError]:
        """Scores of several models that are asked together, or of one.

        What becomes of candidates on trial does not depend on what is in the cache. If several
        cannot be loaded or run together, each is scored alone.

        Args:
            digests: Of the weights, always in the same order: the last bits of scores may depend
                on who is scored together, so scores are remembered with all of them.
            load: Makes those of these numbers the present models of the engine; called only if
                they must be screened, or a score is not in the cache.
            trial: If the candidates are on trial.

        Returns:
            Of each the scores on every split, by its name, or why there are none.
        """
        try:
            return self._together(digests, load, trial)
        except EvaluationError as exc:
            if len(digests) == 1:
                return [exc]
        apart: list[dict[str, Score] | EvaluationError] = []
        for number, digest in enumerate(digests):
            apart += self.score_all([digest], lambda _, one=number: load([one]), trial)  # type: ignore[misc]
        return apart

    def _together(
        self, digests: Sequence[str], load: Load, trial: Trial | None
    ) -> list[dict[str, Score] | EvaluationError]:
        numbers = range(len(digests))
        keys = dict(zip(numbers, _keys(digests), strict=True))
        known = {number: self._known(key) for number, key in keys.items()}
        if any(None in found.values() for found in known.values()) or (trial and self._screens):
            load(numbers)
        tried = self._tried(digests, known, trial) if trial else {}
        away = {number: one for number, one in tried.items() if isinstance(one, Exception)}
        if away:
            left = [number for number in numbers if number not in away]
            keys = dict(zip(left, _keys([digests[number] for number in left]), strict=True))
            known = {number: self._known(key) for number, key in keys.items()}
        raced = {number: one for number, one in tried.items() if not isinstance(one, Exception)}
        found = away | self._scored(keys, known, raced)
        return [found[number] for number in numbers]

    def _known(self, key: str) -> Found:
        """The scores in the cache."""
        fingerprint = self.engine.fingerprint
        return {
            name: self._cache.get(key, split.digest, fingerprint)
            for name, split in self._splits.items()
        }

    def _tried(
        self, digests: Sequence[str], known: Mapping[int, Found], trial: Trial
    ) -> dict[int, dict[str, Score] | EvaluationError]:
        """What screens, estimate and race leave known, or why they turn one away."""

        def trying(engine: Engine, number: int) -> dict[str, Score]:
            if self._screens:
                self._screens.check(engine)
            ask = AskOnce(partial(self._some, known[number]))
            if trial.estimate:
                trial.estimate.check(ask)
            if self._race:
                return self._race.run(digests[number], trial.bar, ask)
            return trial.estimate.rest(ask) if trial.estimate else {}

        before = self._work.items
        found = together(self.engine, range(len(digests)), trying)
        for number, one in found.items():
            if isinstance(one, RejectedError):
                unknown = [name for name, score in known[number].items() if score is None]
                items = sum(len(self._splits[name].items) for name in unknown)
                self._work.saved += items - (self._work.items - before)
        return found

    def _scored(
        self,
        keys: Mapping[int, str],
        known: Mapping[int, Found],
        raced: Mapping[int, Mapping[str, Score]],
    ) -> dict[int, dict[str, Score] | EvaluationError]:
        """Scores on all splits; who fails on one is not asked the others."""
        scores: dict[int, dict[str, Score]] = {number: {} for number in keys}
        failed: dict[int, EvaluationError] = {}
        for name, split in self._splits.items():
            left = [number for number in keys if number not in failed]
            found: dict[int, Score | EvaluationError | None] = {
                number: known[number][name] or raced.get(number, {}).get(name) for number in left
            }
            if None in found.values():
                self._work.items += len(split.items) * len(left)
                found |= together(self.engine, left, partial(_score, self._kinds[name]))
            for number, score in found.items():
                if isinstance(score, Score):
                    scores[number][name] = score
                    if known[number][name] is None:
                        self._cache.put(keys[number], split.digest, self.engine.fingerprint, score)
                elif score is not None:
                    failed[number] = score
        return {number: failed.get(number, scores[number]) for number in keys}

    def _some(self, found: Found, name: str, items: Sequence[int]) -> Score:
        """Some items of a split that can be raced."""
        if (known := found[name]) is not None:
            return known.of(items)
        self._work.items += len(items)
        return self._partial[name].score_items(self.engine, items)


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


def _score(kind: Kind, engine: Engine, _: int) -> Score:
    return kind.score(engine)


def _keys(digests: Sequence[str]) -> list[str]:
    """What each model's scores are remembered by: its weights, and those that share its batches."""
    if len(digests) == 1:
        return list(digests)
    return [digest_of([list(digests), number]) for number in range(len(digests))]
