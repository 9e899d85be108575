"""Several models asked at once: what each is asked goes to the engine in one call for all.

What scores a model is a function that asks an engine and computes. Here it is given, in the
engine's place, what was answered before; where it asks for more it is broken off, and begun again
once all the others have come as far. So kinds of tasks, those of other packages too, need not know
of it, and calls depend on the models alone. A function must ask the same each time.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from numpy import float64
from numpy.typing import NDArray

from speciate.errors import EvaluationError
from speciate.evaluator import Engine, Sampling, Tokens

T = TypeVar("T")


@dataclass(frozen=True)
class _Question:
    """One call of an engine; without settings, for log-probabilities."""

    sequences: Sequence[Tokens]
    settings: Sampling | None = None

    @property
    def alike(self) -> object:
        """Equal for questions that fit into one call."""
        one = self.settings
        return one and (one.max_tokens, one.temperature, one.top_p)


class _Unanswered(BaseException):
    """Breaks a function off; no error, so that nobody takes it for one."""

    def __init__(self, question: _Question) -> None:
        self.question = question


class _Known:
    """What of an engine is asked to score one model, answered from memory."""

    def __init__(self, engine: Engine, answers: Sequence[Any]) -> None:
        self.fingerprint, self.limit, self.starts = engine.fingerprint, engine.limit, engine.starts
        self._answers = iter(answers)

    def logprobs(self, sequences: Sequence[Tokens]) -> list[NDArray[float64]]:
        """See `Engine.logprobs`."""
        return list(self._answer(_Question(sequences)))

    def generate(self, prompts: Sequence[Tokens], settings: Sampling) -> list[list[int]]:
        """See `Engine.generate`."""
        return [list(tokens) for tokens in self._answer(_Question(prompts, settings))]

    def _answer(self, question: _Question) -> Any:  # noqa: ANN401
        answer = next(self._answers, None)
        if answer is None:
            raise _Unanswered(question)
        return answer


def together(
    engine: Engine, models: Sequence[int], run: Callable[[Any, int], T]
) -> dict[int, T | EvaluationError]:
    """Runs a function for each of several present models of an engine.

    Args:
        engine: With the models loaded.
        models: Their numbers.
        run: Given an engine for one model, and its number.

    Returns:
        What it returned for each, or how it failed there.

    Raises:
        EvaluationError: The engine fails when it is asked of several at once.
    """
    if list(models) == [0]:  # The engine itself answers for its first model.
        return {0: _tried(run, engine, 0)}
    done: dict[int, T | EvaluationError] = {}
    answers: dict[int, list[Any]] = {model: [] for model in models}
    while len(done) < len(models):
        asked: dict[int, _Question] = {}
        for model in models:
            if model in done:
                continue
            try:
                done[model] = _tried(run, _Known(engine, answers[model]), model)
            except _Unanswered as stopped:
                asked[model] = stopped.question
        for group in _grouped(asked):
            for model, answer in zip(group, _asked(engine, group), strict=True):
                answers[model].append(answer)
    return done


def _tried(run: Callable[[Any, int], T], engine: Any, model: int) -> T | EvaluationError:  # noqa: ANN401
    try:
        return run(engine, model)
    except EvaluationError as exc:
        return exc


def _grouped(asked: Mapping[int, _Question]) -> list[dict[int, _Question]]:
    """Questions that fit into one call, by the model."""
    groups: defaultdict[object, dict[int, _Question]] = defaultdict(dict)
    for model, question in asked.items():
        groups[question.alike][model] = question
    return list(groups.values())


def _asked(engine: Engine, group: Mapping[int, _Question]) -> list[list[Any]]:
    """The answers to each question."""
    questions = list(group.values())
    sequences = [tokens for question in questions for tokens in question.sequences]
    models = [model for model, question in group.items() for _ in question.sequences]
    settings = questions[0].settings
    found: list[Any]
    if settings is None:
        found = engine.logprobs(sequences, models)
    else:
        seeds = [seed for one in questions for seed in (one.settings or settings).seeds]
        found = engine.generate(sequences, replace(settings, seeds=seeds), models)
    answers = iter(found)
    return [[next(answers) for _ in question.sequences] for question in questions]
