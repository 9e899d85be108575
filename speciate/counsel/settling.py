"""What answers of agents do to the proposals of a step."""

from collections.abc import Sequence
from typing import Any

from speciate.agents import bandit
from speciate.archive.drafts import Draft, Drafts
from speciate.configs.agents import Agents
from speciate.counsel import Known
from speciate.counsel.arms import Arm, rested
from speciate.counsel.checking import METRIC
from speciate.counsel.costs import TOKENS
from speciate.counsel.journal import Answer
from speciate.counsel.prompts import judged
from speciate.counsel.remember import recalled, remembering
from speciate.counsel.slots import Slots
from speciate.counsel.sources import EVOLVED, source_of
from speciate.counsel.telling import Telling
from speciate.records import Origin, Proposal, Recipe, State
from speciate.review.policy import Facts, founders_of, verdict

_MOST_REFUSALS = 24


class Settling:
    """Puts recipes of agents into slots, or lets them wait for people."""

    def __init__(
        self, config: Agents, slots: Slots, known: Known, drafts: Drafts, telling: Telling
    ) -> None:
        """Takes the slots of one step."""
        self._config, self._slots, self._known, self._drafts = config, slots, known, drafts
        self._telling = telling

    def settled(self, state: State, answers: Sequence[Answer]) -> State:
        """The state after all answers, in order, have had their effect."""
        places = {one.number: index for index, one in enumerate(self._slots.proposals)}
        for answer in answers:
            if answer.number is not None:
                state = self._placed(state, places[answer.number], answer)
                state = _refused(state, answer)
        taken = {name: list(pair) for name, pair in self._slots.taken.items()}
        slots = {**recalled(state, "slots"), **taken}
        silent = {Arm.of(one.arm).endpoint: one for one in answers if one.silent}
        heard = {Arm.of(one.arm).endpoint for one in answers if one.talk}
        resting = rested(recalled(state, "resting"), state.step, set(silent), heard)
        for name in sorted(silent.keys() - heard):
            self._telling.rests(name, resting[name]["until"], silent[name])
        talks = [one.talk for one in answers if one.talk]
        return remembering(state, slots=slots, resting=resting, talks=talks)

    def _placed(self, state: State, index: int, answer: Answer) -> State:
        """The state after an agent's recipe took a slot, waits, or was none."""
        memory, cost = recalled(state, "bandit"), answer.tokens / TOKENS
        made = _proposal(answer)
        if made is None or self._slots.has(made.recipe, self._known):
            self._slots.leave(index)
            memory = bandit.told(self._config.choice, memory, answer.arm, None, cost)
        elif why := self._why_reviewed(made.recipe, (answer.result or {}).get("cost_s")):
            self._slots.leave(index)
            self._drafts.put(_draft(made, why, (answer.result or {}).get("trials"), state.step))
            self._telling.waits()
            memory = bandit.withdrawn(memory, answer.arm)
        else:
            self._slots.replace(index, made, cost)
        return remembering(state, bandit=memory)

    def _why_reviewed(self, recipe: Recipe, cost_s: float | None) -> str | None:
        parents, ancestors = founders_of(recipe, self._known)
        facts = Facts("recipe", parents, ancestors, cost_s)
        if recipe.operator == EVOLVED:
            alike = self._likeness(str(recipe.parameters["source"]))
            facts = Facts("code", parents, ancestors, cost_s, alike)
        return verdict(self._config.review, facts)

    def _likeness(self, source: str) -> float | None:
        """To the most similar operator that somebody approved, if anybody approved any."""
        approved = {
            one.id: str(source_of(one))
            for one in self._known.values()
            if source_of(one) and one.origin and one.origin.reviewer
        }
        found = METRIC.nearest_code(source, approved)
        return 1 - found.distance if found else (0.0 if approved else None)


def _refused(state: State, answer: Answer) -> State:
    """The state in which it is remembered why an answer was none, for the prompt to be improved.

    That nothing was said says nothing of the prompt, but maybe where the endpoint is.
    """
    if answer.error is None or not answer.talk:
        return state
    role, refusals = Arm.of(answer.arm).role, recalled(state, "refusals")
    latest = [*refusals.get(role, ()), answer.error][-_MOST_REFUSALS:]
    state = remembering(state, refusals={**refusals, role: latest})
    return judged(state, [(answer.genome, None)])


def _proposal(answer: Answer) -> Proposal | None:
    """What was proposed in an answer."""
    if answer.result is None or answer.number is None:
        return None
    arm, result = Arm.of(answer.arm), answer.result
    return Proposal(
        answer.number,
        Recipe.from_json(result["recipe"]),
        f"{arm.role}@{arm.endpoint}",
        result["reason"],
        origin=Origin(answer.arm, answer.genome, answer.talk, result["prediction"]),
    )


def _draft(made: Proposal, why: str, trials: Any, step: int) -> Draft:  # noqa: ANN401
    return Draft(
        made.number, made.recipe, made.proposer, made.reason, made.origin, why, trials, step
    )
