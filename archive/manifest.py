"""Records as files: what the trees of the archive hold, and the reading of it with suspicion.

An archive can be fetched from elsewhere or edited by hand, so nothing read is believed before
it was validated and the recipe was seen to be the one that its id names.
"""

import hashlib
import json
from dataclasses import replace
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from speciate.errors import ArchiveError, DamageError
from speciate.records import (
    Evaluation,
    Individual,
    Origin,
    Past,
    Recipe,
    Score,
    State,
    canonical_json,
)

RECIPE = TypeAdapter(Recipe)
_STATE = TypeAdapter(State)
_MAPPING = TypeAdapter(dict[str, Any])
FETCH = "fetch the archive again from a copy you trust"
_T = TypeVar("_T")


class Result(BaseModel):
    """One task's score on the search split, packed.

    Attributes:
        metric: Of all values.
        value: Mean over the items.
        items: "1" or "0" for each where all are right or wrong, else numbers with spaces between.
        answers: Per item, for tasks that have answers.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    metric: str
    value: float
    items: str
    answers: tuple[str, ...] | None = None

    @classmethod
    def of(cls, score: Score) -> Self:
        """A score, packed."""
        if set(score.items) <= {0.0, 1.0}:
            items = "".join("1" if item else "0" for item in score.items)
        else:
            items = " ".join(map(repr, score.items))
        return cls(metric=score.metric, value=score.value, items=items, answers=score.answers)

    def score(self) -> Score:
        """The score.

        Raises:
            ValueError: The items are no numbers, or do not have the mean.
        """
        # No number is written with these signs alone, since floats have a point or an exponent.
        numbers = self.items if set(self.items) <= {"0", "1"} else self.items.split(" ")
        score = Score(self.metric, tuple(map(float, numbers)), self.answers)
        if not score.items or score.value != self.value:
            raise ValueError(f"the mean of the items is not {self.value}")
        return score

    def to_json(self) -> dict[str, Any]:
        """As JSON values; nothing is said of answers where there are none."""
        return self.model_dump(mode="json", exclude_none=True)


class Facts(BaseModel):
    """What `individual.json` holds: all of an individual but its recipe."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    digest: str | None
    step: int
    proposer: str
    reason: str
    error: str | None
    fitness: float | None
    fingerprint: str | None
    scores: dict[str, Result]
    origin: Origin | None = None
    past: Past | None = None

    def evaluation(self) -> Evaluation | None:
        """The evaluation, or None for a candidate that failed.

        Raises:
            ValueError: Items are no numbers, or do not have the mean.
        """
        if self.fitness is None or self.fingerprint is None:
            return None
        scores = {task: result.score() for task, result in self.scores.items()}
        return Evaluation(self.fitness, scores, self.fingerprint)


_FACTS = TypeAdapter(Facts)


def compact(value: object, what: str) -> bytes:
    """Canonical JSON; `what` names the value in errors.

    Raises:
        ArchiveError: The value is not JSON, or holds a number that is not finite.
    """
    try:
        return canonical_json(value)
    except (TypeError, ValueError) as error:
        raise ArchiveError(f"{what} cannot be recorded: {error}; give finite JSON") from error


def pretty(value: object, what: str) -> bytes:
    """JSON to be read and compared by people, otherwise as `compact`."""
    indented = json.dumps(json.loads(compact(value, what)), sort_keys=True, indent=1)
    return f"{indented}\n".encode()


def normal(individual: Individual) -> Individual:
    """The individual as it will read back: JSON's own types, and text that UTF-8 can hold."""
    evaluation = individual.evaluation
    return replace(
        individual,
        recipe=Recipe.from_json(json.loads(recipe_file(individual.recipe))),
        proposer=plain(individual.proposer),
        reason=plain(individual.reason),
        error=None if individual.error is None else plain(individual.error),
        evaluation=None if evaluation is None else _normal_evaluation(evaluation),
        origin=None if individual.origin is None else normal_origin(individual.origin),
    )


def recipe_file(recipe: Recipe) -> bytes:
    """The canonical JSON: the SHA-256 of this file begins with the individual's id."""
    return compact(recipe.to_json(), f"a recipe of {recipe.operator}")


def facts_file(individual: Individual) -> bytes:
    """The `individual.json` of a normal individual."""
    return pretty(_facts(individual), f"individual {individual.id}")


def read_facts(data: bytes, where: str) -> Facts:
    """The facts of an `individual.json`; `where` names its place in errors.

    Raises:
        DamageError: They are not what speciate writes.
    """
    return read_as(_FACTS, data, f"individual.json of {where}")


def read_recipe(data: bytes, id_: str, where: str) -> Recipe:
    """The recipe of a `recipe.json`.

    Raises:
        DamageError: It is not what speciate writes, or not the one that `id_` names.
    """
    genome = read_as(RECIPE, data, f"recipe.json of {where}")
    if not id_ == genome.id == hashlib.sha256(data).hexdigest()[:40]:
        what = f"its recipe was edited or exchanged, it is that of {genome.id[:10]}"
        raise DamageError(f"{where}: {what}; {FETCH}")
    return genome


def read_individual(recipe: Recipe, facts: Facts, where: str) -> Individual:
    """Put an individual together.

    Raises:
        DamageError: Its items are no numbers, or do not have the mean that is recorded.
    """
    try:
        evaluation = facts.evaluation()
    except ValueError as error:
        raise DamageError(f"individual.json of {where} is damaged: {error}; {FETCH}") from error
    return Individual(
        recipe,
        facts.digest,
        facts.step,
        facts.proposer,
        facts.reason,
        evaluation,
        facts.error,
        facts.origin,
        facts.past,
    )


def read_state(data: bytes, where: str) -> State:
    """The state of a `state.json`.

    Raises:
        DamageError: It is not what speciate writes.
    """
    return read_as(_STATE, data, f"state.json of {where}")


def read_mapping(data: bytes, where: str) -> dict[str, Any]:
    """A JSON object, such as the config or a report.

    Raises:
        DamageError: It is something else.
    """
    return read_as(_MAPPING, data, where)


def read_as(adapter: TypeAdapter[_T], data: bytes, where: str) -> _T:
    """What `adapter` makes of a JSON file; `where` names its place in errors.

    Raises:
        DamageError: It is something else.
    """
    try:
        # Not validate_json: it refuses text that Python's JSON can write.
        return adapter.validate_python(json.loads(data))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise DamageError(f"{where} is damaged at {field}: {first['msg']}; {FETCH}") from error
    except (ValueError, RecursionError) as error:
        raise DamageError(f"{where} is damaged: {error}; {FETCH}") from error


def _facts(individual: Individual) -> dict[str, Any]:
    evaluation = individual.evaluation
    scores = evaluation.scores if evaluation else {}
    origin = {"origin": individual.origin.to_json()} if individual.origin else {}
    past = {"past": individual.past.to_json()} if individual.past else {}
    return {
        **origin,
        **past,
        "digest": individual.digest,
        "step": individual.step,
        "proposer": individual.proposer,
        "reason": individual.reason,
        "error": individual.error,
        "fitness": evaluation.fitness if evaluation else None,
        "fingerprint": evaluation.fingerprint if evaluation else None,
        "scores": {task: Result.of(score).to_json() for task, score in scores.items()},
    }


def _normal_evaluation(evaluation: Evaluation) -> Evaluation:
    scores = {task: _normal_score(score) for task, score in evaluation.scores.items()}
    return Evaluation(float(evaluation.fitness), scores, evaluation.fingerprint)


def normal_origin(origin: Origin) -> Origin:
    """The same in text that UTF-8 can hold."""
    values: dict[str, Any] = {
        name: plain(value) if isinstance(value, str) else value
        for name, value in origin.to_json().items()
    }
    return Origin(**values)


def _normal_score(score: Score) -> Score:
    answers = None if score.answers is None else tuple(map(plain, score.answers))
    # Without the sign of -0.0, which "0" does not have.
    return Score(score.metric, tuple(float(item) + 0.0 for item in score.items), answers)


def plain(text: str) -> str:
    """Text without lone surrogates, which JSON can say but UTF-8 cannot hold."""
    return text.encode("utf-8", "replace").decode()
