"""Edits of a source: blocks of text that stand in it exactly once, and what takes their place.

A block that is not found, or found twice, is never skipped: nothing is edited then, and all that is
wrong is told.
"""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from speciate.agents.plain import one_line
from speciate.agents.wording import SHORT


@dataclass(frozen=True)
class Edit:
    """What is sought, and what takes its place."""

    search: str
    replace: str


def edited(source: str, edits: Sequence[Edit]) -> str:
    """The source with all edits; each is sought in the source as it is, whatever their order.

    Raises:
        ValueError: A block is not there exactly once, overlaps another or changes nothing; the
            text ends a sentence that begins with the reply.
    """
    places = [list(_places(source, edit.search)) for edit in edits]
    numbered = list(enumerate(zip(edits, places, strict=True), 1))
    problems = [
        f"edit {n}: {what}" for n, (edit, at) in numbered if (what := _wrong(source, edit, at))
    ]
    if not problems:
        spans = sorted((at[0], at[0] + len(edit.search), n) for n, (edit, at) in numbered)
        problems = [
            f"edits {one[2]} and {other[2]} overlap; make them one"
            for one, other in pairwise(spans)
            if one[1] > other[0]
        ]
    if problems:
        raise ValueError("cannot be applied, and nothing was: " + "; ".join(problems))
    # From the end, so that the places before stay where they are.
    for _, (edit, at) in sorted(numbered, key=lambda one: one[1][1], reverse=True):
        source = source[: at[0]] + edit.replace + source[at[0] + len(edit.search) :]
    return source


def _places(source: str, block: str) -> Iterator[int]:
    """Where a block begins, also within itself."""
    at = source.find(block) if block else -1
    while at >= 0:
        yield at
        at = source.find(block, at + 1)


def _wrong(source: str, edit: Edit, places: Sequence[int]) -> str | None:
    if edit.search == edit.replace:
        return "it changes nothing"
    if len(places) > 1:
        return f"its search text is there {len(places)} times; add lines around it"
    if places:
        return None
    lines = [line for line in edit.search.splitlines() if line.strip()]
    close = difflib.get_close_matches(lines[0], source.splitlines(), n=1) if lines else []
    hint = f"; the nearest line is: {one_line(close[0], SHORT)}" if close else ""
    return f"its search text is not in the source, to the letter{hint}"
