"""Records as files: what the trees of the archive hold, and the reading of it with suspicion.

An archive can be fetched from elsewhere or edited by hand, so nothing read is believed before
it was validated and the recipe was seen to be the one that its id names.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from speciate.errors import ArchiveError, DamageError
from speciate.records import Evaluation, Individual, Origin, Recipe, Score, State, canonical_json

RECIPE = TypeAdapter(Recipe)
_SCORE = TypeAdapter(Score)
_STATE = TypeAdapter(State)
_MAPPING = TypeAdapter(dict[str, Any])
FETCH = "fetch the archive again from a copy you trust"
_T = TypeVar("_T")


class Mean(BaseModel):
    """One task's mean over the items of the search split, in `metric`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    metric: str
    value: float


class Facts(BaseModel):
    """What `individual.json` holds: all of an individual but its recipe and per-item scores."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    digest: str | None
    step: int
    proposer: str
    reason: str
    error: str | None
    fitness: float | None
    fingerprint: str | None
    metrics: dict[str, Mean]
    origin: Origin | None = None

    def evaluation(self, scores: Mapping[str, Score]) -> Evaluation | None:
        """The evaluation, or None for a candidate that failed."""
        if self.fitness is None or self.fingerprint is None:
            return None
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


def score_files(individual: Individual) -> dict[str, bytes]:
    """Per task a file with the score of every item; empty for a candidate that failed."""
    scores = individual.evaluation.scores if individual.evaluation else {}
    return {
        score_name(task): compact(score.to_json(), f"the score of {individual.id} on {task}")
        for task, score in scores.items()
    }


def score_name(task: str) -> str:
    """Name of a task's file, whatever characters the task's name has."""
    return f"{quote(task, safe=' ')}.json"


def member_file(individual: Individual, commit: str) -> bytes:
    """A living member's record in the tree of a step."""
    recipe = individual.recipe.to_json()
    facts = _facts(individual) | {"recipe": recipe, "commit": commit}
    return pretty(facts, f"member {individual.id}")


def read_facts(data: bytes, where: str) -> Facts:
    """The facts of an `individual.json`; `where` names its place in errors.

    Raises:
        DamageError: They are not what speciate writes.
    """
    return read_as(_FACTS, data, f"individual.json of {where}")


def read_recipe(data: bytes, facts: Facts, where: str) -> Recipe:
    """The recipe of a `recipe.json` that stands beside `facts`.

    Raises:
        DamageError: It is not what speciate writes, or not the one that the facts' id names.
    """
    genome = read_as(RECIPE, data, f"recipe.json of {where}")
    if not facts.id == genome.id == hashlib.sha256(data).hexdigest()[:40]:
        was, found = facts.id[:10], genome.id[:10]
        raise DamageError(
            f"{where}: the recipe of {was} was edited, its id is now {found}; {FETCH}"
        )
    return genome


def read_individual(
    recipe: Recipe, facts: Facts, scores: Mapping[str, bytes], where: str
) -> Individual:
    """Put an individual together from its files; `scores` holds files by task.

    Raises:
        DamageError: A file is not what speciate writes.
    """
    read = {task: read_as(_SCORE, data, f"{task} of {where}") for task, data in scores.items()}
    if any(not read[task].items or read[task].value != facts.metrics[task].value for task in read):
        raise DamageError(f"{where}: scores do not have the mean in individual.json; {FETCH}")
    return Individual(
        recipe,
        facts.digest,
        facts.step,
        facts.proposer,
        facts.reason,
        facts.evaluation(read),
        facts.error,
        facts.origin,
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
    except ValueError as error:
        raise DamageError(f"{where} is damaged: {error}; {FETCH}") from error


def _facts(individual: Individual) -> dict[str, Any]:
    evaluation = individual.evaluation
    scores = evaluation.scores if evaluation else {}
    origin = {"origin": individual.origin.to_json()} if individual.origin else {}
    return origin | {
        "id": individual.id,
        "digest": individual.digest,
        "step": individual.step,
        "proposer": individual.proposer,
        "reason": individual.reason,
        "error": individual.error,
        "fitness": evaluation.fitness if evaluation else None,
        "fingerprint": evaluation.fingerprint if evaluation else None,
        "metrics": {
            task: {"metric": score.metric, "value": score.value} for task, score in scores.items()
        },
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
    return Score(score.metric, tuple(map(float, score.items)), answers)


def plain(text: str) -> str:
    """Text without lone surrogates, which JSON can say but UTF-8 cannot hold."""
    return text.encode("utf-8", "replace").decode()
