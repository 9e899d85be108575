"""The records that travel from stage to stage: recipes, proposals, evaluations, individuals, state.

All are frozen and turn into canonical JSON; what is hashed anywhere is hashed in that form.
"""

import hashlib
import json
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Self

FOUNDER = "founder"


def canonical_json(value: object) -> bytes:
    """One byte string for equal values: sorted keys, no spaces, no NaN, floats by shortest repr."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode()


def digest_of(value: object) -> str:
    """SHA-256 of the canonical JSON of `value`, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def source_digest(source: str) -> str:
    """SHA-256 of an operator's source, as 64 hexadecimal digits."""
    return hashlib.sha256(source.encode("utf-8", "replace")).hexdigest()


def derive_seed(seed: int, *names: str) -> int:
    """A seed in 0 .. 2**64-1 made of `seed` and `names`, independent of the stream so named."""
    return int.from_bytes(bytes.fromhex(digest_of([seed, *names]))[16:24], "little")


@dataclass(frozen=True, slots=True)
class Parent:
    """One parent of a recipe: the id of an individual, and the part it plays ("base", "model")."""

    id: str
    role: str


@dataclass(frozen=True)
class Recipe:
    """The genome: all that is needed, besides the parents, to make an individual's weights.

    Attributes:
        operator: Name of a registered operator, or "founder".
        parents: In the order in which the operator takes them.
        parameters: Of the operator; JSON values only.
        seed: Key of the recipe's own random stream, 0 <= seed < 2**64.
    """

    operator: str
    parents: tuple[Parent, ...]
    parameters: Mapping[str, Any]
    seed: int

    @cached_property
    def id(self) -> str:
        """The individual's name: 40 hexadecimal digits of the recipe's digest."""
        return digest_of(self.to_json())[:40]

    def with_role(self, role: str) -> tuple[str, ...]:
        """Ids of the parents that play `role`, in order."""
        return tuple(parent.id for parent in self.parents if parent.role == role)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "operator": self.operator,
            "parents": [{"id": parent.id, "role": parent.role} for parent in self.parents],
            "parameters": dict(self.parameters),
            "seed": self.seed,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        parents = tuple(Parent(**parent) for parent in data["parents"])
        return cls(data["operator"], parents, data["parameters"], data["seed"])


@dataclass(frozen=True)
class Origin:
    """Where an agent's recipe comes from; the proposer and the reason stand beside it.

    Attributes:
        arm: What was chosen: role, endpoint and family of operators, as in "breeder@local/linear".
        genome: Name of the agent's own genome, its prompt and its sampling.
        talk: SHA-256 of the conversation, whose text is kept outside of the archive.
        prediction: The fitness that the agent foretold.
        reviewer: Who approved it, as in "Ada <ada@example.org>", if anybody did.
    """

    arm: str
    genome: str
    talk: str
    prediction: float | None = None
    reviewer: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As JSON values; nothing is said of what is not known."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Proposal:
    """A recipe put forward.

    Attributes:
        number: Counts proposals from 0 over the whole campaign.
        proposer: Who puts it forward.
        reason: Why, in the proposer's words.
        bar: Id of the individual whose fitness it must reach to be selected, as far as is known
            when it is proposed; if there is none, it must be scored in full.
        fit: Its fitness is estimated by those who were born before this step.
        litter: Ids of all, it among them, that are scored together; none if it is scored alone.
        origin: If an agent put it forward.
    """

    number: int
    recipe: Recipe
    proposer: str
    reason: str = ""
    bar: str | None = None
    fit: int | None = None
    litter: tuple[str, ...] = ()
    origin: Origin | None = None

    def to_json(self) -> dict[str, Any]:
        """As JSON values; nothing is said of `bar` and what follows where there is none."""
        origin = self.origin and self.origin.to_json()
        optional = {"bar": self.bar, "fit": self.fit, "litter": [*self.litter], "origin": origin}
        return {
            "number": self.number,
            "recipe": self.recipe.to_json(),
            "proposer": self.proposer,
            "reason": self.reason,
            **{name: value for name, value in optional.items() if value},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        read = dict(data)
        recipe, litter = Recipe.from_json(read.pop("recipe")), tuple(read.pop("litter", ()))
        origin = Origin(**read.pop("origin")) if "origin" in read else None
        return cls(recipe=recipe, litter=litter, origin=origin, **read)


@dataclass(frozen=True)
class Score:
    """One model's result on one split of one task.

    Attributes:
        metric: For example "bits/char" or "accuracy".
        items: One value per item of the split, in the metric, in the order of the task file.
        answers: What was answered per item, for tasks that have answers (votes need them).
    """

    metric: str
    items: tuple[float, ...]
    answers: tuple[str, ...] | None = None

    @property
    def value(self) -> float:
        """Mean over the items."""
        return sum(self.items) / len(self.items)

    @cached_property
    def packed(self) -> bytes:
        """The items as float64, made once: strategies read those of members again and again."""
        return array("d", self.items).tobytes()

    def of(self, items: Sequence[int]) -> Self:
        """On some of the items, in this order."""
        answers = self.answers and tuple(self.answers[item] for item in items)
        return replace(self, items=tuple(self.items[item] for item in items), answers=answers)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """From JSON values."""
        answers = data.get("answers")
        return cls(
            data["metric"], tuple(data["items"]), None if answers is None else tuple(answers)
        )

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        data: dict[str, Any] = {"metric": self.metric, "items": list(self.items)}
        return data if self.answers is None else data | {"answers": list(self.answers)}


@dataclass(frozen=True)
class Evaluation:
    """Scores on the search split by task name, and the fitness made of them (higher is better).

    Fitness is the weighted mean of the tasks' fitness values, each in [0, 1], so that
    fitness-proportional choice is always defined.
    """

    fitness: float
    scores: Mapping[str, Score]
    fingerprint: str


@dataclass(frozen=True)
class Past:
    """What a founder's folder says of where the founder comes from: names that strangers gave.

    Attributes:
        licence: Lower-case identifier, as the hub or SPDX has it; "other" for one without.
        licence_name: What one calls itself that is "other".
        relation: To the models it was made from: "finetune", "adapter", "merge" or "quantized".
        models: These, as the hub calls them.
    """

    licence: str | None = None
    licence_name: str | None = None
    relation: str | None = None
    models: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As JSON values; nothing is said of what is not known."""
        found = asdict(self) | {"models": list(self.models)}
        return {name: value for name, value in found.items() if value}


@dataclass(frozen=True)
class Individual:
    """A recorded member of the family tree; failed candidates have an `error` and no evaluation.

    Attributes:
        recipe: The genome; its id is the individual's.
        digest: Of the weights; None when breeding failed.
        step: The step of the campaign in which it was born.
        proposer: Who put the recipe forward.
        reason: Why, in the proposer's words.
        origin: If an agent put it forward.
        past: Of a founder, if its folder says anything of it.
    """

    recipe: Recipe
    digest: str | None
    step: int
    proposer: str
    reason: str = ""
    evaluation: Evaluation | None = None
    error: str | None = None
    origin: Origin | None = None
    past: Past | None = None

    @property
    def id(self) -> str:
        """The recipe's id."""
        return self.recipe.id

    @property
    def fitness(self) -> float:
        """Of the evaluation.

        Raises:
            ValueError: The candidate failed and has no fitness.
        """
        if self.evaluation is None:
            raise ValueError(f"{self.id[:10]} failed and has no fitness: {self.error}")
        return self.evaluation.fitness


@dataclass(frozen=True)
class State:
    """All that a strategy carries from one step to the next; random numbers are keyed, not carried.

    Attributes:
        step: Steps done.
        asked: Proposals made so far; the number of the next one.
        members: Ids of the living population, best first.
        references: Other individuals whose weights the strategy will need again.
        memory: The strategy's own, JSON values only.
        pending: Proposals whose results the strategy has not been told, oldest first.
        agents: What agents remember, JSON values only; empty in a campaign without any.
        stopping: What early stopping goes by, JSON values only; empty in a campaign without it.
    """

    step: int = 0
    asked: int = 0
    members: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    memory: Mapping[str, Any] = field(default_factory=dict)
    pending: tuple[Proposal, ...] = ()
    agents: Mapping[str, Any] = field(default_factory=dict)
    stopping: Mapping[str, Any] = field(default_factory=dict)

    def asking(self, proposals: Sequence[Proposal]) -> Self:
        """The state after `proposals` were made."""
        pending = (*self.pending, *proposals)
        return replace(self, asked=self.asked + len(proposals), pending=pending)

    def told(self, count: int) -> Self:
        """The state in which the results of the `count` oldest pending proposals are known."""
        return replace(self, pending=self.pending[count:])

    def to_json(self) -> dict[str, Any]:
        """As JSON values; nothing is said of `pending` and what follows when nothing is."""
        data: dict[str, Any] = {
            "step": self.step,
            "asked": self.asked,
            "members": list(self.members),
            "references": list(self.references),
            "memory": dict(self.memory),
        }
        pending = [proposal.to_json() for proposal in self.pending]
        if pending:
            data["pending"] = pending
        if self.agents:
            data["agents"] = dict(self.agents)
        if self.stopping:
            data["stopping"] = dict(self.stopping)
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(
            data["step"],
            data["asked"],
            tuple(data["members"]),
            tuple(data["references"]),
            data["memory"],
            tuple(Proposal.from_json(one) for one in data.get("pending", ())),
            data.get("agents", {}),
            data.get("stopping", {}),
        )
