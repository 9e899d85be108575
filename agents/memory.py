"""What agents learn in a campaign: notes on individuals, insights from notes, recommendations.

After the scratchpad of ShinkaEvolve (Lange et al., 2025): every few notes the critic is asked for
insights and recommendations, and one recommendation, at random, enters a prompt. All of it was
written by models: it is kept as short lines, in limited number, and never as anything but text.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from speciate.agents.plain import one_line

State = Mapping[str, Any]


@dataclass(frozen=True)
class Settings:
    """How much is remembered.

    Attributes:
        every: Notes that are digested together; at most `notes`.
        notes: That are kept; the oldest, digested before all others, is forgotten.
        insights: That are kept; the oldest is forgotten.
        recommendations: That are kept; the oldest is forgotten.
        longest: Of each text, in characters.
    """

    every: int = 10
    notes: int = 60
    insights: int = 20
    recommendations: int = 5
    longest: int = 300


@dataclass(frozen=True)
class Note:
    """What is said of an individual.

    Attributes:
        number: Counts notes from 1.
        individual: Its id.
        operator: Of its recipe.
        parents: Ids, in the recipe's order.
        text: One line.
    """

    number: int
    individual: str
    operator: str
    parents: tuple[str, ...]
    text: str

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `asdict`, and of what JSON makes of it."""
        return cls(**{**data, "parents": tuple(data["parents"])})


def notes(state: State) -> tuple[Note, ...]:
    """All that are kept, oldest first."""
    return tuple(Note.from_json(data) for data in state.get("notes", ()))


def insights(state: State) -> tuple[str, ...]:
    """All that are kept, latest first."""
    return tuple(state.get("insights", ()))


def recommendations(state: State) -> tuple[str, ...]:
    """All that are kept, latest first."""
    return tuple(state.get("recommendations", ()))


def noted(
    settings: Settings,
    state: State,
    individual: str,
    operator: str,
    parents: Sequence[str],
    text: str,
) -> State:
    """The state with one more note; the same as before if the text is empty."""
    line = one_line(text, settings.longest)
    if not line:
        return state
    number = state.get("noted", 0) + 1
    new = asdict(Note(number, individual, operator, tuple(parents), line))
    kept = [*state.get("notes", ()), new | {"parents": list(parents)}][-settings.notes :]
    return {**state, "noted": number, "notes": kept}


def fresh(state: State) -> tuple[Note, ...]:
    """Notes that were not digested, oldest first."""
    return tuple(note for note in notes(state) if note.number > state.get("digested", 0))


def due(settings: Settings, state: State) -> bool:
    """Whether it is time to ask the critic what the fresh notes say."""
    return len(fresh(state)) >= settings.every


def digested(
    settings: Settings,
    state: State,
    upto: int,
    found: Iterable[str],
    recommended: Iterable[str],
) -> State:
    """The state with what the critic made of notes.

    What it says again, in whatever case, is as new; what it does not repeat stays behind it.

    Args:
        settings: How much is remembered.
        state: From `noted` or `digested`.
        upto: Number of the last note that the critic saw; later ones stay fresh.
        found: Its insights, the most important first.
        recommended: Its recommendations, likewise.
    """
    return {
        **state,
        "digested": max(upto, state.get("digested", 0)),
        "insights": _merged(settings, found, insights(state), settings.insights),
        "recommendations": _merged(
            settings, recommended, recommendations(state), settings.recommendations
        ),
    }


def sampled(state: State, random: np.random.Generator) -> str | None:
    """One recommendation, all as likely; None if there is none. One number is drawn always."""
    draw = float(random.random())
    kept = recommendations(state)
    return kept[int(draw * len(kept))] if kept else None


def _merged(settings: Settings, new: Iterable[str], old: Sequence[str], most: int) -> list[str]:
    kept: dict[str, str] = {}
    for text in (*new, *old):
        line = one_line(text, settings.longest)
        if line:
            kept.setdefault(line.casefold(), line)
    return list(kept.values())[:most]
