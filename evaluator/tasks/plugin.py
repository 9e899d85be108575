"""Plugin: a kind of another package, checked so that it scores as a built-in one does."""

import hashlib
import inspect
import math
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from speciate.configs import schema
from speciate.errors import TaskError
from speciate.evaluator import Engine
from speciate.evaluator.tasks.item import Item
from speciate.records import Score

GROUP = "speciate.tasks"


def load(task: schema.Plugin) -> Any:  # noqa: ANN401
    """The class of a plugin.

    Raises:
        TaskError: It cannot be imported, is missing, or lacks a member of a kind.
    """
    try:
        kind = _found(task.entry_point)
    except Exception as exc:  # Whatever the import of foreign code raises.
        reason = " ".join(f"{type(exc).__name__}: {exc}".split())
        raise TaskError(
            f"task '{task.name}': plugin '{task.entry_point}' cannot be imported ({reason}); "
            f"install its package, or correct entry_point"
        ) from exc
    if complaint := _complaint(kind, task):
        raise TaskError(f"task '{task.name}': plugin '{task.entry_point}' {complaint}")
    return kind


def source_digest(kind: type) -> str:
    """SHA-256 of the file that defines a plugin's class: once edited, it may score otherwise.

    Raises:
        TaskError: There is no such file.
    """
    try:
        return hashlib.sha256(Path(inspect.getfile(kind)).read_bytes()).hexdigest()
    except (OSError, TypeError) as exc:
        raise TaskError(f"plugin class {kind.__name__} is in no file; define it in one") from exc


def _found(name: str) -> Any:  # noqa: ANN401
    module, colon, attribute = name.partition(":")
    if colon:
        return getattr(import_module(module), attribute)
    installed = {point.name: point for point in entry_points(group=GROUP)}
    if name not in installed:
        known = ", ".join(sorted(installed)) or "none"
        raise LookupError(f"not among the entry points of group {GROUP}: {known}")
    return installed[name].load()


def _complaint(kind: Any, task: schema.Plugin) -> str | None:  # noqa: ANN401
    """What a class lacks to be a kind; what only its objects have is checked with them."""
    if not isinstance(kind, type):
        return "is no class; name the class of a kind"
    item = getattr(kind, "item", None)
    if not (isinstance(item, type) and issubclass(item, Item)):
        return "has no 'item'; give it a subclass of speciate.evaluator.tasks.item.Item"
    for method in ("score", "fitness"):
        if not callable(getattr(kind, method, None)):
            return f"has no method '{method}'; see docs/tasks.md"
    direction = getattr(kind, "higher_is_better", None)
    if not isinstance(direction, bool):
        return "has no 'higher_is_better'; set it to True or False"
    if direction != task.higher_is_better:
        return f"says otherwise: set higher_is_better = {str(direction).lower()} in the task"
    return None


class Plugin:
    """A plugin's kind for one split; its scores are checked before anything is made of them."""

    def __init__(self, kind: Any, task: schema.Plugin, count: int) -> None:  # noqa: ANN401
        """Takes the object of a plugin's class for `count` items.

        Raises:
            TaskError: It lacks a member, or has not one length an item.
        """
        self._kind, self._task, self._count = kind, task, count
        for member in ("metric", "lengths"):
            if not hasattr(kind, member):
                raise TaskError(f"plugin '{task.entry_point}' has no '{member}'; see docs/tasks.md")
        if len(kind.lengths) != count:
            raise TaskError(
                f"plugin '{task.entry_point}' has {len(kind.lengths)} lengths for {count} items"
            )
        self.metric: str = kind.metric
        self.higher_is_better = task.higher_is_better
        self.lengths: Sequence[int] = kind.lengths
        self.fitness: Callable[[float], float] = kind.fitness

    def score(self, engine: Engine) -> Score:
        """Of the engine's present model.

        Raises:
            TaskError: The plugin's score is none: not one finite value an item, a fitness outside
                [0, 1], or answers that it cannot tell right from wrong.
        """
        score: Score = self._kind.score(engine)
        if complaint := self._complaint(score):
            raise TaskError(
                f"task '{self._task.name}': plugin '{self._task.entry_point}' {complaint}"
            )
        return score

    def _complaint(self, score: Score) -> str | None:
        if not isinstance(score, Score):
            return f"gave {type(score).__name__} as a score; return speciate.records.Score"
        if len(score.items) != self._count or not all(map(math.isfinite, score.items)):
            return f"must give {self._count} finite values, one an item"
        fitness = self.fitness(score.value)
        if not 0 <= fitness <= 1:
            return f"gave the fitness {fitness}, which must be in [0, 1]"
        if score.answers is None:
            return None
        if len(score.answers) != self._count or not hasattr(self._kind, "right"):
            return "gives answers: it needs one an item, and a method 'right'"
        return None

    def right(self, index: int, answer: str) -> bool:
        """Whether `answer` is right for the item at `index`, of a plugin that gives answers."""
        return bool(self._kind.right(index, answer))
