"""What shells offer when the tab key is pressed; where anything is wrong, nothing."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import typer

from speciate.archive.index.peek import Peek, Told, is_indexed, peek
from speciate.review.visible import visible
from speciate.words import SHORT

Offer: TypeAlias = tuple[str, str]
"""A word, and what is said of it."""
Completion: TypeAlias = Callable[[typer.Context, str], list[Offer]]


def _completion(offers: Callable[[Peek, str], Iterator[Offer]]) -> Completion:
    """Looks into the archive that the line names; silent on any error."""

    def complete(ctx: typer.Context, incomplete: str) -> list[Offer]:
        try:
            # After an option that waits for its value, no word has been taken for an argument yet.
            words = [ctx.params.get("folder"), *ctx.args]
            with peek(next(Path(str(word)) for word in words if is_indexed(word))) as archive:
                return [one for one in offers(archive, incomplete) if visible(one[0]) == one[0]]
        except Exception:  # A shell would show it in the middle of the line that is being typed.
            return []

    return complete


@_completion
def individuals(archive: Peek, begun: str) -> Iterator[Offer]:
    """Founders' names and ids."""
    for told in archive.begun_by(begun):
        yield _offer(told, begun)


def _offer(told: Told, begun: str) -> Offer:
    id_, operator, step, fitness, name = told
    scored = "failed" if fitness is None else f"{fitness:.4f}"
    short = id_ if len(begun) > SHORT else id_[:SHORT]
    return name or short, visible(f"{operator}, step {step}, {scored}")


def values_of(column: str) -> Completion:
    """Offers what individuals have in a column of the index."""

    @_completion
    def values(archive: Peek, begun: str) -> Iterator[Offer]:
        return ((value, "") for value in archive.values(column) if value.startswith(begun))

    return values


@_completion
def agents(archive: Peek, begun: str) -> Iterator[Offer]:
    """Arms of agents, and what they begin with: role, role@endpoint."""
    arms = archive.values("agent")
    parts = [arm.split("@")[0] for arm in arms] + [arm.split("/")[0] for arm in arms]
    return ((name, "") for name in dict.fromkeys(parts + arms) if name.startswith(begun))


@_completion
def tasks(archive: Peek, begun: str) -> Iterator[Offer]:
    """Tasks that anybody has a score on."""
    return ((task, "") for task in archive.tasks() if task.startswith(begun))


@_completion
def columns(archive: Peek, begun: str) -> Iterator[Offer]:
    """Columns; of a list with commas, the last."""
    before, comma, last = begun.rpartition(",")
    sign = "-" if last.startswith("-") else ""
    found = (name for name in archive.columns() if name.startswith(last.removeprefix("-")))
    return ((f"{before}{comma}{sign}{name}", "") for name in found)
