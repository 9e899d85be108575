"""Scores models: fitness on the search splits, and, at the end, the test splits."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from speciate.configs import schema
from speciate.evaluator import Engine
from speciate.evaluator.cache import EvaluationCache
from speciate.evaluator.split import Split
from speciate.evaluator.tasks import Answering, Kind, kind_of
from speciate.evaluator.tokenizer import Tokenizer
from speciate.records import Evaluation, Score


class Evaluator:
    """One engine, the tasks, and the cache."""

    def __init__(
        self,
        engine: Engine,
        tokenizer: Tokenizer,
        splits: Mapping[str, Split],
        cache: EvaluationCache,
    ) -> None:
        """Tokenises the splits.

        Args:
            engine: Already started.
            tokenizer: Of the founders.
            splits: The splits to score, by any name.
            cache: Looked into before, and filled after, each scoring.

        Raises:
            TaskError: An item is too long for the engine.
        """
        self.engine = engine
        self._splits = splits
        self._cache = cache
        self._kinds: dict[str, Kind] = {
            name: split.prepare(tokenizer, engine.limit) for name, split in splits.items()
        }

    def score(self, digest: str, model: Path) -> dict[str, Score]:
        """Scores on every split, by its name.

        Args:
            digest: Of the weights.
            model: Folder that holds them; read only if a score is not in the cache.

        Raises:
            EvaluationError: The engine cannot load or run the model.
        """
        fingerprint = self.engine.fingerprint
        found = {
            name: self._cache.get(digest, split.digest, fingerprint)
            for name, split in self._splits.items()
        }
        if None in found.values():
            self.engine.load(model)
        scores = {}
        for name, score in found.items():
            if score is None:
                score = self._kinds[name].score(self.engine)
                self._cache.put(digest, self._splits[name].digest, fingerprint, score)
            scores[name] = score
        return scores


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
