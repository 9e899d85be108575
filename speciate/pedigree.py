"""The ancestors of an individual as a tree: everybody's parents below it, each drawn once."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from speciate.archive.index.descent import rows_by_id
from speciate.archive.index.index import Index
from speciate.archive.index.rows import Row


@dataclass
class Mention:
    """One place in the tree: an ancestor in the role that it plays for whoever is above it.

    Attributes:
        row: The ancestor.
        role: "" for the individual itself.
        again: Its own parents are drawn at another, nearer place.
        cut: How many parents of it are not drawn, for they are too far away.
    """

    row: Row
    role: str
    again: bool = False
    cut: int = 0


@dataclass
class Pedigree:
    """A tree of mentions.

    Attributes:
        mentions: The first is the individual itself, nearer ones come before those further away.
        children: Places of the parents in `mentions`, by place.
    """

    mentions: list[Mention]
    children: dict[int, list[int]] = field(default_factory=dict)

    @property
    def drawn(self) -> int:
        """How many individuals are mentioned."""
        return len({one.row.id for one in self.mentions})


def pedigree(index: Index, id_: str, depth: int | None) -> Pedigree:
    """The tree of an individual, so many generations back; to the founders if None."""
    found = Pedigree([Mention(index.row(id_), "")])
    level, told = [0], set[str]()
    while level:
        wide = depth is None or depth > 0
        level = list(_next(index, found, level, told, wide))
        depth = None if depth is None else depth - 1
    return found


def _next(
    index: Index, found: Pedigree, level: list[int], told: set[str], wide: bool
) -> Iterator[int]:
    """Adds the parents of a generation; yields their places."""
    mentions = found.mentions
    ids = [kin.id for place in level for kin in mentions[place].row.parents] if wide else []
    rows = rows_by_id(index, ids)
    for place in level:
        one = mentions[place]
        if one.row.id in told:
            one.again = bool(one.row.parents)
        elif not wide:
            one.cut = len(one.row.parents)
        else:
            told.add(one.row.id)
            for kin in one.row.parents:
                found.children.setdefault(place, []).append(len(mentions))
                yield len(mentions)
                mentions.append(Mention(rows[kin.id], kin.role))
