"""Texts of an archive as a report shows them: short, and nothing in them hidden."""

from speciate.report.people import People
from speciate.review.visible import lines, visible
from speciate.words import SHORT

_NAME, _WORDS = 60, 2000


def name(text: str) -> str:
    """A name on one line."""
    return _cut(visible(text), _NAME)


def words(text: str) -> str:
    """Several lines."""
    return _cut("\n".join(lines(text)), _WORDS)


def individual(people: People, place: int) -> str:
    """A founder's name, or the abbreviated id."""
    return name(people.names[place]) if place in people.names else people.ids[place][:SHORT]


def point(people: People, place: int) -> str:
    """What is said of an individual when it is pointed at."""
    who = individual(people, place)
    operator = name(people.words[people.operators[place]])
    fitness = people.fitness[place]
    told = "failed" if fitness != fitness else f"fitness {fitness:.4f}"
    return f"{who} · {operator} · step {people.steps[place]} · {told}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
