"""Drafts and decisions as files and messages, and the reading of them with suspicion.

Whatever is read is written once more: files that differ by a byte from those were not written by
speciate, and are refused.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter

from speciate.archive import manifest
from speciate.archive.draft import EVOLVED, Decision, Draft, Verdict
from speciate.archive.manifest import RECIPE, plain
from speciate.archive.message import ABBREVIATION, compose, one_line
from speciate.errors import DamageError
from speciate.records import Origin, Recipe

Files = Mapping[str, bytes]
DRAFT_FILES = ("proposal.json", "recipe.json", "operator.py", "trials.json")
DECISION_FILES = ("decision.json", "recipe.json", "operator.py")


class _Proposal(BaseModel):
    """What `proposal.json` holds: all of a draft but its recipe and trials."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: int
    id: str
    proposer: str
    reason: str
    why: str
    step: int
    origin: Origin | None = None


class _Verdict(BaseModel):
    """What `decision.json` holds: all of a decision but the recipe and who made it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: int
    proposed: str
    verdict: Verdict
    reason: str
    id: str | None = None


_PROPOSAL = TypeAdapter(_Proposal)
_VERDICT = TypeAdapter(_Verdict)


def normal(draft: Draft) -> Draft:
    """The draft as it will read back: JSON's own types, and text that UTF-8 can hold."""
    return replace(
        draft,
        recipe=normal_recipe(draft.recipe),
        proposer=plain(draft.proposer),
        reason=plain(draft.reason),
        why=plain(draft.why),
        origin=draft.origin and manifest.normal_origin(draft.origin),
    )


def normal_recipe(recipe: Recipe) -> Recipe:
    """The recipe as it will read back.

    Raises:
        ArchiveError: It is not JSON.
    """
    return manifest.read_as(RECIPE, manifest.recipe_file(recipe), "the recipe")


def draft_files(draft: Draft) -> dict[str, bytes]:
    """The tree of a normal draft's commit."""
    data = draft.to_json()
    trials = data.pop("trials", None)
    data = {name: value for name, value in data.items() if name != "recipe"}
    data |= {"id": draft.recipe.id}
    files = {"proposal.json": manifest.pretty(data, f"proposal {draft.number}")}
    if trials is not None:
        files["trials.json"] = manifest.pretty(trials, f"trials of {draft.number}")
    return files | _recipe_files(draft.recipe)


def decision_files(decision: Decision, draft: Draft) -> dict[str, bytes]:
    """The tree of a decision's commit; who decides stands in the commit itself."""
    data: dict[str, Any] = {
        "number": decision.number,
        "proposed": draft.recipe.id,
        "verdict": decision.verdict,
        "reason": decision.reason,
    }
    if decision.recipe is None:
        return {"decision.json": manifest.pretty(data, f"decision {decision.number}")}
    data["id"] = decision.recipe.id
    file = manifest.pretty(data, f"decision {decision.number}")
    return {"decision.json": file} | _recipe_files(decision.recipe)


def _recipe_files(recipe: Recipe) -> dict[str, bytes]:
    files = {"recipe.json": manifest.recipe_file(recipe)}
    source = recipe.parameters.get("source")
    if recipe.operator == EVOLVED and isinstance(source, str):
        files["operator.py"] = plain(source).encode()
    return files


def read_draft(files: Files, where: str) -> Draft:
    """Put a draft together from its files.

    Raises:
        DamageError: They are not what speciate writes.
    """
    facts = manifest.read_as(_PROPOSAL, files["proposal.json"], f"proposal.json of {where}")
    recipe = manifest.read_as(RECIPE, files["recipe.json"], f"recipe.json of {where}")
    trials = files.get("trials.json")
    draft = Draft(
        facts.number,
        recipe,
        facts.proposer,
        facts.reason,
        facts.origin,
        facts.why,
        None if trials is None else manifest.read_mapping(trials, f"trials.json of {where}"),
        facts.step,
    )
    _check_same(files, draft_files(draft), where)
    return draft


def read_decision(files: Files, draft: Draft, reviewer: str, where: str) -> Decision:
    """Put a decision together from its files.

    Raises:
        DamageError: They are not what speciate writes, or decide of something else.
    """
    facts = manifest.read_as(_VERDICT, files["decision.json"], f"decision.json of {where}")
    recipe = files.get("recipe.json")
    edited = recipe and manifest.read_as(RECIPE, recipe, f"recipe.json of {where}")
    decision = Decision(facts.number, facts.verdict, facts.reason, reviewer, edited or None)
    _check_same(files, decision_files(decision, draft), where)
    return decision


def _check_same(found: Files, written: Files, where: str) -> None:
    for name in sorted({*found, *written}):
        if found.get(name) != written.get(name):
            raise DamageError(f"{where}: {name} was edited; {manifest.FETCH}")


def draft_message(draft: Draft) -> str:
    """The message of a draft's commit; proposers' words stand in the body, each behind a label."""
    operator = one_line(draft.recipe.operator)
    subject = f"proposal {draft.number}: {operator} {draft.recipe.id[:ABBREVIATION]}"
    trailers = {"Proposal": str(draft.number), "Recipe": draft.recipe.id}
    return compose(subject, _draft_body(draft), trailers)


def _draft_body(draft: Draft) -> Iterator[str]:
    for parent in draft.recipe.parents:
        yield f"{one_line(parent.role)}: {one_line(parent.id[:ABBREVIATION])}"
    yield f"proposer: {one_line(draft.proposer)}"
    if draft.origin is not None:
        yield f"arm: {one_line(draft.origin.arm)}"
        if draft.origin.prediction is not None:
            yield f"prediction: {draft.origin.prediction:.4f}"
    if draft.reason:
        yield f"reason: {one_line(draft.reason)}"
    yield f"review: {one_line(draft.why)}"


def decision_message(decision: Decision, draft: Draft) -> str:
    """The message of a decision's commit."""
    done = {"approve": "approved", "reject": "rejected"}[decision.verdict]
    edited = ", edited" if decision.recipe else ""
    body = [f"reason: {one_line(decision.reason)}"] if decision.reason else []
    recipe = decision.recipe or draft.recipe
    trailers = {"Proposal": str(decision.number), "Recipe": recipe.id}
    return compose(f"proposal {decision.number} {done}{edited}", body, trailers)
