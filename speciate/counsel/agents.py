"""The counsel of agents: a bandit gives them slots, they propose, and it learns what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from speciate.agents import bandit
from speciate.agents.bandit import STRATEGY
from speciate.archive.drafts import Drafts
from speciate.configs import schema
from speciate.configs.agents import Agents
from speciate.counsel import Known, Settled
from speciate.counsel.arms import Arm, proposing
from speciate.counsel.checking import Checks
from speciate.counsel.costs import Lines, with_costs
from speciate.counsel.decided import heeded, news
from speciate.counsel.journal import Entry, Journal
from speciate.counsel.learning import learned
from speciate.counsel.offers import offers
from speciate.counsel.prompts import founded
from speciate.counsel.questions import Asker
from speciate.counsel.reflecting import Reflection
from speciate.counsel.remember import recalled, remembering
from speciate.counsel.roles import Roles
from speciate.counsel.settling import Settling
from speciate.counsel.slots import Slots
from speciate.counsel.sources import sources
from speciate.counsel.telling import Telling
from speciate.counsel.viewing import view
from speciate.population.goals import Goals
from speciate.records import Individual, Proposal, State, derive_seed


@dataclass(frozen=True)
class Outside:
    """What is no function of the campaign.

    Attributes:
        journal: Of what came in.
        drafts: Where proposals wait for people.
        asker: Whom to ask.
        telemetry: Reads what candidates took so far.
        telling: Tells people what goes on.
    """

    journal: Journal
    drafts: Drafts
    asker: Asker
    telemetry: Lines
    telling: Telling


class AgentCounsel:
    """Implements `Counsel`.

    What agents and people say is put down in a journal first. All else here is a function of the
    state, of what is known and of that journal, so that whoever has it gets the same campaign.
    """

    def __init__(
        self, config: schema.Campaign, agents: Agents, goals: Goals, outside: Outside
    ) -> None:
        """Asks nobody yet.

        Args:
            config: Of the campaign.
            agents: Its section of agents.
            goals: Of the campaign.
            outside: Whatever its answers depend on besides.
        """
        self._config, self._agents, self._goals = config, agents, goals
        self._outside = outside
        self._offers = offers(config, agents)
        self._roles = Roles(agents, config.seed)
        self._reflection = Reflection(agents, config.seed)

    def advise(self, state: State, asked: Sequence[Proposal], known: Known) -> Settled:
        """See `Counsel.advise`."""
        entry, slots = self._outside.journal.get(state.step), Slots(asked)
        decisions = entry.decisions if entry else news(self._outside.drafts, state)
        state = heeded(decisions, founded(self._agents, state), slots, known)
        state, asks = self._chosen(state, slots, known)
        seen = view(self._config, self._goals, self._offers, state, known)
        if entry is None:
            checks = Checks(self._agents, slots.proposals, known)
            questions = [
                *self._roles.questions(state, seen, asks, checks),
                *self._reflection.questions(state, known, seen),
            ]
            self._outside.telling.asks([one.arm.endpoint for one in questions])
            answers = self._outside.asker.answers(questions)
            lines = self._outside.telemetry
            answers = with_costs(self._agents.review, answers, lines, known)
            entry = Entry(decisions, answers)
            self._outside.journal.put(state.step, entry)
        for answer in entry.answers:
            if answer.number is None:
                state = self._reflection.heard(state, answer, known, seen)
        settling = Settling(self._agents, slots, known, self._outside.drafts, self._outside.telling)
        return settling.settled(state, entry.answers), tuple(slots.proposals)

    def learn(self, state: State, born: Sequence[Individual], known: Known) -> State:
        """See `Counsel.learn`."""
        return learned(self._agents, state, born, known)

    def _chosen(
        self, state: State, slots: Slots, known: Known
    ) -> tuple[State, list[tuple[Proposal, Arm]]]:
        """Whom to ask for another recipe than the strategy's, of the slots that are free."""
        families = {offer.family for offer in self._offers}
        arms = proposing(self._agents, families, len(sources(known)), state)
        random = np.random.default_rng(derive_seed(self._config.seed, "choice", str(state.step)))
        free, memory = list(slots.free), recalled(state, "bandit")
        chosen, memory = bandit.choose(self._agents.choice, memory, arms, len(free), random)
        asks = []
        for index, arm in zip(free, chosen, strict=True):
            if arm == STRATEGY:
                slots.leave(index)
            else:
                asks.append((slots.proposals[index], Arm.of(arm)))
        return remembering(state, bandit=memory), asks
