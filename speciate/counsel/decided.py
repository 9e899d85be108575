"""What people decided of proposals that waited for them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from speciate.agents import bandit
from speciate.archive.drafts import Decision, Draft, Drafts
from speciate.counsel import Known
from speciate.counsel.remember import recalled, remembering
from speciate.counsel.slots import Slots
from speciate.records import Proposal, Recipe, State

_MOST_REJECTIONS = 24

Decided = Mapping[str, Any]
"""A draft and the decision, as JSON values."""


def news(drafts: Drafts, state: State) -> tuple[Decided, ...]:
    """Decisions that the campaign does not know yet, by number of the proposal."""
    known = set(state.agents.get("decided", ()))
    decisions = {n: one for n, one in sorted(drafts.decisions().items()) if n not in known}
    put = drafts.all() if decisions else {}
    return tuple(
        {"draft": put[number].to_json(), "decision": decision.to_json()}
        for number, decision in decisions.items()
    )


def heeded(news: Sequence[Decided], state: State, slots: Slots, known: Known) -> State:
    """The state in which decisions have had their effect.

    What was approved waits for a slot and takes the first that is free; reasons of rejections are
    remembered, for agents to be told.
    """
    approved = list(state.agents.get("approved", ()))
    rejections = list(state.agents.get("rejections", ()))
    for one in news:
        decision = Decision.from_json(one["decision"])
        if decision.verdict == "approve":
            approved.append(_approved(Draft.from_json(one["draft"]), decision))
        else:
            rejections.append(decision.reason)
    decided = [*state.agents.get("decided", ()), *(one["decision"]["number"] for one in news)]
    state = remembering(state, decided=decided, rejections=rejections[-_MOST_REJECTIONS:])
    return _placed(approved, state, slots, known)


def _approved(draft: Draft, decision: Decision) -> dict[str, Any]:
    """The proposal that comes of it, as JSON values."""
    origin = replace(draft.origin, reviewer=decision.reviewer) if draft.origin else None
    recipe = decision.recipe or draft.recipe
    return Proposal(draft.number, recipe, draft.proposer, draft.reason, origin=origin).to_json()


def _placed(
    approved: Sequence[Mapping[str, Any]], state: State, slots: Slots, known: Known
) -> State:
    """The state after those that may be bred took free slots; the others go on waiting."""
    memory, waiting = recalled(state, "bandit"), []
    for data in approved:
        proposal = Proposal.from_json(data)
        if slots.has(proposal.recipe, known) or not all(_living(proposal.recipe, known)):
            continue
        if not slots.free:
            waiting.append(data)
            continue
        slots.replace(slots.free[0], proposal, 0.0)
        if proposal.origin:
            memory = bandit.pulled(memory, proposal.origin.arm)
    return remembering(state, bandit=memory, approved=waiting)


def _living(recipe: Recipe, known: Known) -> Iterator[bool]:
    """Whether each parent has weights, or can be given its own again."""
    for parent in recipe.parents:
        yield parent.id in known and known[parent.id].digest is not None
