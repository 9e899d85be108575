"""Tasks of the lm-evaluation-harness, with the score that it gives to each document."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from importlib import import_module
from itertools import chain
from json import dumps
from pathlib import Path
from typing import Any

from speciate.configs.tasks.lm_eval import LmEval as Section
from speciate.errors import TaskError
from speciate.evaluator import Engine
from speciate.evaluator.tasks.item import Item
from speciate.evaluator.tokenizer import Tokenizer
from speciate.records import Score


class LmEvalItem(Item):
    """One document: where it is, and digests of it and of what is asked about it.

    The same document is the same item wherever it is and whatever examples stand before it.
    """

    part: str
    number: int
    document: str
    requests: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LmEvalItem) and self.document == other.document

    def __hash__(self) -> int:
        return hash(self.document)


class LmEval:
    """The mean of one of the task's metrics, of which more is better."""

    higher_is_better = True
    item = LmEvalItem

    def __init__(self, task: Section, items: Sequence[LmEvalItem], tokenizer: Tokenizer) -> None:
        """Loads the task again, which may be on another machine, and tokenises it.

        Raises:
            TaskError: It no longer has the same documents, or cannot be asked of an engine.
        """
        harness = _harness()
        documents = harness.load(task, items[0].part)
        asked = documents.requests()
        _check_same(items, _items(items[0].part, documents, asked))
        ruler = harness.Ruler()
        self._lm = harness.EngineLM(tokenizer, ruler, task.max_length, task.seed, task.chat)
        if task.chat:
            asked = documents.requests(self._lm.apply_chat_template)
        self._task = task
        self._asked = [asked[item.number - documents.numbers.start] for item in items]
        self._metric = harness.Metric(task, documents.task)
        self._lm.tells_greedy = self._metric.needs_greedy
        self.metric = self._metric.unit
        with harness.explained(task):
            self.lengths = [self._length(instances, ruler) for instances in self._asked]

    def score(self, engine: Engine) -> Score:
        """Of the engine's present model."""
        score = self._scored(engine, range(len(self._asked)))
        if not 0 <= self.fitness(score.value) <= 1:
            raise TaskError(
                f"task '{self._task.name}': no fitness in [0, 1] can be made of {self.metric} = "
                f"{score.value:g}; set another metric"
            )
        return score

    def score_items(self, engine: Engine, items: Sequence[int]) -> Score:
        """See `Partial`.

        Raises:
            TaskError: The metric gives a document a value that is not in [0, 1].
        """
        score = self._scored(engine, items)
        for value in score.items:
            if not 0 <= value <= 1:
                raise TaskError(
                    f"task '{self._task.name}' cannot race: {self.metric} of a document is "
                    f"{value:g}, not between 0 and 1; leave out strategy.race"
                )
        return score

    def _scored(self, engine: Engine, items: Sequence[int]) -> Score:
        self._lm.engine = engine
        asked = [self._asked[item] for item in items]
        with named(self._task):
            self._ask(list(chain.from_iterable(asked)))
            return Score(self.metric, self._metric.values(asked))

    def _ask(self, instances: Sequence[Any]) -> None:
        """Puts the present model's answers into instances, as the harness would."""
        kinds = defaultdict(list)
        for instance in instances:
            instance.resps = []
            kinds[instance.request_type].extend([instance] * instance.repeats)
        for kind, asked in kinds.items():
            for instance, answer in zip(asked, getattr(self._lm, kind)(asked), strict=True):
                instance.resps.append(answer)

    def _length(self, instances: Sequence[Any], ruler: Any) -> int:  # noqa: ANN401
        """Tokens that a document needs at most, found by asking."""
        ruler.longest = 0
        self._ask(instances)
        return int(ruler.longest)

    @staticmethod
    def fitness(value: float) -> float:
        """The mean."""
        return value


class LowerIsBetter(LmEval):
    """The mean of a metric of which less is better."""

    higher_is_better = False
    # It is not `Partial`: fitness is no mean.
    score_items = None  # type: ignore[assignment]

    @staticmethod
    def fitness(value: float) -> float:
        """2^-mean: of bits, the geometric mean of a probability."""
        return float(2.0**-value)


def directed(task: Section) -> type[LmEval]:
    """The class that scores a task."""
    return LmEval if task.higher_is_better else LowerIsBetter


def located(task: Section, folder: Path) -> Section:
    """The section with paths made absolute, which start from `folder`."""
    paths = {"task": task.task if task.is_file else None, "include": task.include}
    found = {key: str((folder / path).absolute()) for key, path in paths.items() if path}
    return task.model_copy(update=found)


def read(task: Section, part: str) -> tuple[tuple[LmEvalItem, ...], str]:
    """The documents of a part of a task's data, and the definition of the task.

    Raises:
        TaskError: lm-eval is not installed, or cannot load or score them.
    """
    with named(task):
        harness = _harness()
        documents = harness.load(task, part)
        harness.Metric(task, documents.task)
        return _items(part, documents, documents.requests()), documents.source


@contextmanager
def named(task: Section) -> Iterator[None]:
    """Errors name the task."""
    try:
        yield
    except TaskError as exc:
        raise TaskError(f"task '{task.name}': {exc}") from exc


def _harness() -> Any:  # noqa: ANN401
    """Imported only when a task needs it: that takes seconds, and it may not be installed."""
    try:
        return import_module("speciate.evaluator.harness")
    except ImportError as exc:
        raise TaskError(f"lm-eval is not installed ({exc}); install speciate[lm-eval]") from exc


def _items(part: str, documents: Any, asked: Sequence[Sequence[Any]]) -> tuple[LmEvalItem, ...]:  # noqa: ANN401
    return tuple(
        LmEvalItem(
            part=part,
            number=number,
            document=_digest(instances[0].doc),
            requests=_digest([[one.request_type, one.args] for one in instances]),
        )
        for number, instances in zip(documents.numbers, asked, strict=True)
    )


def _check_same(items: Sequence[LmEvalItem], fresh: Sequence[LmEvalItem]) -> None:
    found = {one.number: one.model_dump() for one in fresh}
    if any(found.get(item.number) != item.model_dump() for item in items):
        raise TaskError("its documents or prompts have changed meanwhile; start again")


def _digest(value: object) -> str:
    # Unlike recipes, documents may hold dates or infinities.
    return sha256(dumps(value, sort_keys=True, default=repr).encode()).hexdigest()
