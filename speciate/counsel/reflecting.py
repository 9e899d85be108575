"""What agents make of what came of it: the critic's notes, and other versions of prompts."""

from collections.abc import Iterator

import numpy as np

from speciate.agents import critic, improver, memory
from speciate.agents.improver import Role
from speciate.agents.view import View
from speciate.chat import Chat
from speciate.configs.agents import Agents
from speciate.counsel import Known
from speciate.counsel.arms import Arm, serving
from speciate.counsel.journal import Answer
from speciate.counsel.prompts import due, improved, parent_of, template_of
from speciate.counsel.questions import Question, Said
from speciate.counsel.remember import recalled, remembering
from speciate.counsel.viewing import member
from speciate.records import State, derive_seed


class Reflection:
    """Questions that no slot waits for, and what their answers change."""

    def __init__(self, config: Agents, seed: int) -> None:
        """Takes the section of agents and the campaign's seed."""
        self._config, self._seed = config, seed
        self._settings = memory.Settings(every=max(1, config.insights))

    def questions(self, state: State, known: Known, seen: View) -> Iterator[Question]:
        """About the children of the last step, about all notes, and about a prompt."""
        critics = serving(self._config, "critic", state)
        if critics:
            arm = critics[state.step % len(critics)]
            for name in state.agents.get("unread", ()):
                yield self._compare(arm, name, state, known, seen)
            if self._config.insights and memory.due(self._settings, recalled(state, "memory")):
                yield self._digest(arm, state)
        improvers = serving(self._config, "improver", state)
        if improvers and (role := due(self._config, state)):
            yield self._improve(improvers[state.step % len(improvers)], role, state, seen)

    def heard(self, state: State, answer: Answer, known: Known, seen: View) -> State:
        """The state after one of these questions was answered, or not."""
        if Arm.of(answer.arm).role == "improver":
            return improved(self._config, state, answer, seen)
        if answer.result is None:
            return state
        notes, result = recalled(state, "memory"), answer.result
        if "about" in result:
            one = known[result["about"]].recipe
            parents = [parent.id for parent in one.parents]
            notes = memory.noted(
                self._settings, notes, one.id, one.operator, parents, result["text"]
            )
        else:
            notes = memory.digested(
                self._settings, notes, result["upto"], result["insights"], result["recommended"]
            )
        return remembering(state, memory=notes)

    def _compare(self, arm: Arm, name: str, state: State, known: Known, seen: View) -> Question:
        child = member(known[name], known)
        parents = [member(known[one.id], known) for one in known[name].recipe.parents]
        seed = self._key(state, "compare", name)

        async def ask(chat: Chat) -> Said:
            noted = await critic.compare(chat, seen.tasks, parents, child, seed, self._config.tries)
            return Said(dict(noted.note), noted.talk)

        return Question(arm, ask, "critic_compare")

    def _digest(self, arm: Arm, state: State) -> Question:
        kept = recalled(state, "memory")
        notes = memory.fresh(kept)
        told = [{"about": one.individual, "text": one.text} for one in notes]
        seed = self._key(state, "digest")

        async def ask(chat: Chat) -> Said:
            made = await critic.digest(chat, told, memory.insights(kept), seed, self._config.tries)
            result = {"insights": made.insights, "recommended": made.recommendations}
            return Said({**result, "upto": notes[-1].number}, made.talk)

        return Question(arm, ask, "critic_digest")

    def _improve(self, arm: Arm, role: Role, state: State, seen: View) -> Question:
        seed = self._key(state, "improve")
        parent = parent_of(role, state, np.random.default_rng(seed))
        attempts = [one for one in seen.attempts if one.proposer.startswith(role)]

        async def ask(chat: Chat) -> Said:
            made = await improver.improve(
                chat,
                seen,
                role,
                template_of(parent),
                parent.sampling,
                attempts,
                state.agents.get("refusals", {}).get(role, ()),
                seed,
                self._config.tries,
            )
            result = {"parent": parent.name, "template": made.template, "reason": made.reason}
            return Said({**result, "sampling": dict(made.sampling)}, made.talk)

        return Question(arm, ask, "improver")

    def _key(self, state: State, *names: str) -> int:
        return derive_seed(self._seed, "reflection", str(state.step), *names)
