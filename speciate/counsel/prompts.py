"""Which version of a prompt answers a call."""

from typing import NamedTuple

import numpy as np

from speciate.agents.template import shipped
from speciate.configs.agents import Role
from speciate.records import State


class Prompt(NamedTuple):
    """Words and sampling.

    Attributes:
        name: Of the version.
        template: See `speciate.agents.template`.
        temperature: Of the sampling; the endpoint's if None.
    """

    name: str
    template: str
    temperature: float | None = None


def prompt_for(role: Role, state: State, random: np.random.Generator) -> Prompt:
    """The prompt of a role."""
    del state, random
    return Prompt(role, shipped(role))
