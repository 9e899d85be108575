"""Versions of the prompts: which one answers a call, and what comes of new ones."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from speciate.agents import genomes, improver
from speciate.agents.genomes import Genome
from speciate.agents.improver import Role
from speciate.agents.template import shipped
from speciate.agents.view import View
from speciate.configs.agents import Agents
from speciate.counsel.journal import Answer
from speciate.counsel.remember import recalled, remembering
from speciate.errors import ReplyError, UsageError
from speciate.records import State, digest_of

SETTINGS = genomes.Settings()
EVOLVING: tuple[Role, ...] = ("breeder", "coder")
"""Roles whose prompts have versions."""
_PART = "genomes"


class Prompt(NamedTuple):
    """Words and sampling.

    Attributes:
        name: Of the version.
        template: See `speciate.agents.template`.
        temperature: Of the sampling; the endpoint's if None.
    """

    name: str
    template: str
    temperature: float | None


def founded(config: Agents, state: State) -> State:
    """The state with the shipped prompt of every role that proposes."""
    memory = recalled(state, _PART)
    for role in EVOLVING:
        if any(role in one.roles for one in config.endpoints):
            memory = genomes.founded(SETTINGS, memory, role, digest_of(shipped(role)), {})
    return remembering(state, genomes=memory)


def prompt_for(config: Agents, role: str, state: State, random: np.random.Generator) -> Prompt:
    """The prompt that answers the next call of a role: the pinned version, or a good one."""
    memory = recalled(state, _PART)
    known = genomes.genomes(memory, role)
    pinned = [known[name] for name in config.pinned if name in known]
    one = pinned[0] if pinned else genomes.answering(memory, role, random)
    return Prompt(one.name, template_of(one), one.sampling.get("temperature"))


def template_of(one: Genome) -> str:
    """Its words."""
    return shipped(one.role) if one.template is None else one.template


def versions(state: State) -> dict[str, Genome]:
    """All that are kept, by name, oldest first."""
    return genomes.genomes(recalled(state, _PART))


def version(state: State | None, text: str) -> tuple[Genome, Genome | None]:
    """The version whose name begins with `text`, and the one that it was made from, if kept.

    Raises:
        UsageError: None is meant, or several.
    """
    known = versions(state or State())
    found = [one for name, one in known.items() if text and name.startswith(text.strip().lower())]
    if len(found) != 1:
        names = ", ".join(one.name for one in found) or ", ".join(known) or "none yet"
        what = "may be several versions" if found else "is no version"
        raise UsageError(f"{text!r} {what} of a prompt: {names}")
    return found[0], known.get(found[0].parent or "")


def words_of(one: Genome) -> str:
    """Its words, for people.

    Raises:
        UsageError: They came with another release.
    """
    if one.template is None and one.digest != digest_of(shipped(one.role)):
        raise UsageError(f"prompt {one.name} came with another release of speciate; look there")
    return template_of(one)


def judged(state: State, outcomes: Iterable[tuple[str, float | None]]) -> State:
    """The state after calls had outcomes: names of versions, and what was gained, if anything."""
    memory = recalled(state, _PART)
    for name, gained in outcomes:
        memory = genomes.told(SETTINGS, memory, name, gained)
    return remembering(state, genomes=memory)


def due(config: Agents, state: State) -> Role | None:
    """The role whose prompt it is time to improve, if there is one."""
    if not config.improvement:
        return None
    memory, improved = recalled(state, _PART), recalled(state, "improved")
    for role in EVOLVING:
        calls = sum(one.calls for one in genomes.genomes(memory, role).values())
        if calls - improved.get(role, 0) >= config.improvement:
            return role
    return None


def parent_of(role: Role, state: State, random: np.random.Generator) -> Genome:
    """The version that is to be improved."""
    return genomes.improved_next(recalled(state, _PART), role, random)


def improved(config: Agents, state: State, answer: Answer, view: View) -> State:
    """The state after the improver answered, whether it could or not."""
    role = due(config, state)
    if role is None:
        return state
    memory = recalled(state, _PART)
    calls = sum(one.calls for one in genomes.genomes(memory, role).values())
    state = remembering(state, improved={**recalled(state, "improved"), role: calls})
    if answer.result is None:
        return state
    result = answer.result
    try:
        memory, _ = genomes.born(
            SETTINGS,
            memory,
            result["parent"],
            result["template"],
            result["sampling"],
            lambda template: improver.unfit(role, template, view),
        )
    except ReplyError:  # Another version like it exists.
        return state
    return remembering(state, genomes=memory)
