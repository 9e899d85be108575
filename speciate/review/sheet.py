"""All that a reviewer needs to know of one proposal, and of those that wait."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from speciate.archive.archive import Archive
from speciate.archive.drafts import DONE, Decision, Draft
from speciate.records import Individual, Recipe
from speciate.review.changes import changes
from speciate.review.nearest import nearest
from speciate.words import label


@dataclass(frozen=True)
class Entry:
    """A proposal in a list; `age` is in steps of the campaign."""

    draft: Draft
    decision: Decision | None
    age: int

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        draft, origin = self.draft, self.draft.origin
        return {
            "number": draft.number,
            "age": self.age,
            "kind": draft.kind,
            "operator": draft.recipe.operator,
            "recipe": draft.recipe.id,
            "proposer": draft.proposer,
            "arm": origin.arm if origin else None,
            "prediction": origin.prediction if origin else None,
            "reason": draft.reason,
            "why": draft.why,
            "decision": self.decision.to_json() if self.decision else None,
        }


@dataclass(frozen=True)
class Kin:
    """A parent of a proposal: what it is called, its fitness if it has one, and how it fares."""

    id: str
    role: str
    name: str
    fitness: float | None
    fate: str

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"id": self.id, "role": self.role, "fitness": self.fitness, "fate": self.fate}


@dataclass(frozen=True)
class Sheet:
    """One proposal.

    Attributes:
        entry: As in the list.
        parents: In the recipe's order.
        nearest: The individual whose recipe is most like it, if there is one to compare with.
        name: What that one is called.
        diff: From the nearest to the proposal.
        edit: From the proposal to what the reviewer made of it; empty if it was not edited.
    """

    entry: Entry
    parents: tuple[Kin, ...]
    nearest: Individual | None
    name: str
    diff: tuple[str, ...]
    edit: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON values, the words of strangers as they are."""
        draft = self.entry.draft
        return self.entry.to_json() | {
            "genome": draft.recipe.to_json(),
            "trials": draft.trials,
            "parents": [parent.to_json() for parent in self.parents],
            "nearest": self.nearest.id if self.nearest else None,
            "diff": list(self.diff),
            "edit": list(self.edit),
        }


def entries(archive: Archive, decided: bool = False) -> list[Entry]:
    """Proposals that wait, by number; those that were decided too, if asked for.

    Raises:
        DamageError: One is not what was recorded.
    """
    if not decided:
        return [_entry(archive, draft, None) for draft in archive.drafts.waiting().values()]
    decisions = archive.drafts.decisions()
    return [
        _entry(archive, draft, decisions.get(number))
        for number, draft in archive.drafts.all().items()
    ]


def sheet(archive: Archive, number: int) -> Sheet:
    """All about one proposal.

    Raises:
        ArchiveError: There is none of this number.
        DamageError: It is not what was recorded.
    """
    draft, decision = archive.drafts.get(number), archive.drafts.decision(number)
    known, recipe = archive.individuals, draft.recipe
    others = {name: one for name, one in known.items() if name != recipe.id}
    like = nearest(recipe, others)
    edited = decision.recipe if decision else None
    return Sheet(
        _entry(archive, draft, decision),
        kin(recipe, archive),
        like,
        label(like.id, known) if like else "",
        tuple(changes(like.recipe if like else None, recipe, known)),
        tuple(changes(recipe, edited, known)) if edited else (),
    )


def kin(recipe: Recipe, archive: Archive) -> tuple[Kin, ...]:
    """A recipe's parents, and how they fare."""
    living = archive.state.members if archive.state else ()
    known = archive.individuals
    return tuple(
        Kin(
            parent.id,
            parent.role,
            label(parent.id, known),
            _fitness(known.get(parent.id)),
            _fate(parent.id, known, living),
        )
        for parent in recipe.parents
    )


def decided(decision: Decision) -> str:
    """A decision in words: what, by whom and why."""
    edited = ", edited," if decision.recipe else ""
    reason = f": {decision.reason}" if decision.reason else ""
    return f"{DONE[decision.verdict]}{edited} by {decision.reviewer}{reason}"


def _entry(archive: Archive, draft: Draft, decision: Decision | None) -> Entry:
    now = archive.state.step if archive.state else 0
    return Entry(draft, decision, max(0, now - draft.step))


def _fitness(one: Individual | None) -> float | None:
    return one.fitness if one and one.evaluation else None


def _fate(name: str, known: Mapping[str, Individual], living: tuple[str, ...]) -> str:
    """One of "founder", "lives", "died", "failed" and "unknown"."""
    one = known.get(name)
    if one is None:
        return "unknown"
    if one.recipe.operator == "founder":
        return "founder"
    if one.digest is None:
        return "failed"
    return "lives" if name in living else "died"
