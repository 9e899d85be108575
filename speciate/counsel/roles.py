"""Questions to agents: what each role is asked, and with which words."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from speciate.agents import breeder, calibration, coder, memory
from speciate.agents.coder import SOURCES, Mode, Workshop
from speciate.agents.drafted import Drafted
from speciate.agents.view import Evolved, View
from speciate.chat import Chat
from speciate.configs.agents import Agents
from speciate.counsel.arms import Arm
from speciate.counsel.checking import Checks
from speciate.counsel.prompts import Prompt, prompt_for
from speciate.counsel.questions import Question, Said
from speciate.counsel.remember import recalled
from speciate.population.operators import evolved
from speciate.records import Proposal, State, derive_seed


@dataclass(frozen=True)
class Roles:
    """Whoever proposes.

    Attributes:
        agents: The section of agents.
        seed: The campaign's.
    """

    agents: Agents
    seed: int

    def questions(
        self,
        state: State,
        seen: View,
        asks: Sequence[tuple[Proposal, Arm]],
        checks: Checks,
    ) -> list[Question]:
        """One question for each slot that an agent was chosen for.

        Args:
            state: Of the campaign.
            seen: What agents may see of it.
            asks: The strategy's proposal for each slot, and who is asked for another one.
            checks: Refuse what may not take part.
        """
        return [self._question(state, seen, one.number, arm, checks) for one, arm in asks]

    def _question(
        self, state: State, seen: View, number: int, arm: Arm, checks: Checks
    ) -> Question:
        seed = derive_seed(self.seed, "agent", str(number))
        random = np.random.default_rng(seed)
        told = memory.sampled(recalled(state, "memory"), random)
        shown = replace(
            seen,
            recommendations=(told,) if told else (),
            calibration=calibration.sentence(recalled(state, "calibration"), str(arm)),
        )
        mode: Any = arm.family if arm.role == "coder" else ""
        prompt = prompt_for(self.agents, arm.role, state, random)
        sources = _parents(shown.evolved, SOURCES[mode], random) if mode else ()

        async def ask(chat: Chat) -> Said:
            if not mode:
                tries = self.agents.tries
                return _said(
                    await breeder.propose(
                        chat, shown, prompt.template, arm.family, checks.problem, seed, tries
                    )
                )
            return await self._write(chat, shown, prompt, mode, sources, checks, seed)

        return Question(arm, ask, prompt.name, prompt.temperature, number)

    async def _write(
        self,
        chat: Chat,
        shown: View,
        prompt: Prompt,
        mode: Mode,
        sources: Sequence[Evolved],
        checks: Checks,
        seed: int,
    ) -> Said:
        """Asks a coder; what the sandbox saw of its operator goes with the recipe."""
        trials: dict[str, evolved.Trials] = {}

        def try_out(source: str) -> list[str]:
            trials[source] = evolved.try_out(source)
            return trials[source].problems

        workshop = Workshop(evolved.check, try_out, checks.problem)
        drafted = await coder.write(
            chat, shown, prompt.template, mode, sources, workshop, seed, self.agents.tries
        )
        facts = trials[str(drafted.recipe.parameters["source"])].facts
        return _said(drafted, trials=facts)


def _said(drafted: Drafted, **more: object) -> Said:
    result = {
        "recipe": drafted.recipe.to_json(),
        "reason": drafted.reason,
        "prediction": drafted.prediction,
        **more,
    }
    return Said(result, drafted.talk)


def _parents(known: Sequence[Evolved], count: int, random: np.random.Generator) -> list[Evolved]:
    """Operators to start from: the better by what they gained, the likelier."""
    order = sorted(known, key=lambda one: (-max(one.gains, default=-1.0), one.digest))
    chances = 1 / np.arange(1, len(order) + 1)
    if not count:
        return []
    drawn = random.choice(len(order), size=count, replace=False, p=chances / chances.sum())
    return [order[index] for index in drawn.tolist()]
