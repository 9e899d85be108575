"""Commit messages: made for `git log`, and safe from text that language models wrote."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping

from speciate.records import FOUNDER, Individual, Past, Recipe

ABBREVIATION = 10
"""Hexadecimal digits by which people are shown an individual or a commit."""

_LONGEST = 500


def place(id_: str, commit: str) -> str:
    """An individual and where it is recorded, as errors name them."""
    return f"individual {id_[:ABBREVIATION]} (commit {commit[:ABBREVIATION]})"


def one_line(text: str) -> str:
    """Text as one short printable line: it can hold neither a line end nor a terminal code."""
    if not text.isprintable():
        text = "".join(sign if sign.isprintable() else " " for sign in text)
    words = " ".join(text.split())
    return (
        words if len(words) <= _LONGEST else textwrap.shorten(words, _LONGEST, placeholder=" ...")
    )


def individual_message(individual: Individual, parents: Mapping[str, str]) -> str:
    """The message of an individual's commit; `parents` has the names of its parents by id.

    Proposers' words stand in the body, each on one line behind its label, so that only the last
    paragraph, which is ours, can be read as trailers.
    """
    fitness = "failed" if individual.evaluation is None else f"fitness {individual.fitness:.4f}"
    operator = one_line(individual.recipe.operator)
    trailers = {"Individual": individual.id, "Operator": operator}
    if individual.origin is not None:
        trailers["Talk"] = one_line(individual.origin.talk)
        if individual.origin.reviewer:
            trailers["Reviewed-by"] = one_line(individual.origin.reviewer)
    subject = f"{operator} {individual.id[:ABBREVIATION]} {fitness}"
    return compose(subject, _body(individual, parents), trailers)


def step_message(subject: str, best: str | None) -> str:
    """The message of a step; `best` is the id of its best member."""
    return compose(subject, (), {} if best is None else {"Best": best})


def trailers(message: str) -> dict[str, str]:
    """The trailers: the `Name: value` lines of the last paragraph."""
    lines = message.rstrip().rpartition("\n\n")[2].splitlines()
    return dict(line.split(": ", 1) for line in lines if ": " in line)


def _body(individual: Individual, parents: Mapping[str, str]) -> Iterator[str]:
    if individual.recipe.operator == FOUNDER:
        yield f"name: {one_line(name_of(individual.recipe))}"
        yield from _past(individual.past or Past())
    if individual.recipe.parents:
        yield "parents and the parts that they play:"
    for parent in individual.recipe.parents:
        name = one_line(parents[parent.id])
        yield f"{one_line(parent.role)}: {parent.id[:ABBREVIATION]} ({name})"
    scores = individual.evaluation.scores if individual.evaluation else {}
    if scores:
        yield "mean scores over the items of the search split, task by task:"
    for task, score in sorted(scores.items()):
        yield f"{one_line(task)}: {score.value:.4f} {one_line(score.metric)}"
    yield f"proposer: {one_line(individual.proposer)}"
    if individual.origin is not None:
        yield f"arm: {one_line(individual.origin.arm)}"
        if individual.origin.prediction is not None:
            yield f"prediction: {individual.origin.prediction:.4f}"
    if individual.reason:
        yield f"reason: {one_line(individual.reason)}"
    if individual.error is not None:
        yield f"error: {one_line(individual.error)}"


def _past(past: Past) -> Iterator[str]:
    if past.licence is not None:
        yield f"licence: {one_line(past.licence_name or past.licence)}"
    for model in past.models:
        yield f"{one_line(past.relation or 'made')} of: {one_line(model)}"


def name_of(recipe: Recipe) -> str:
    """What people call who is made by it: a founder's name, for others their operator."""
    founder = recipe.operator == FOUNDER
    return str(recipe.parameters.get("name", FOUNDER)) if founder else recipe.operator


def compose(subject: str, body: Iterable[str], trailers: Mapping[str, str]) -> str:
    """A message of lines that were made safe already."""
    last = [f"{name}: {value}" for name, value in trailers.items()]
    paragraphs = ["\n".join(lines) for lines in ([subject], body, last)]
    return "\n\n".join(filter(None, paragraphs)) + "\n"
