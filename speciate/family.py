"""An individual's ancestors, as many as a figure holds, down to what founders were made from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from speciate.archive.archive import Archive
from speciate.archive.index.rows import Row
from speciate.past import Forebear, pasts_of
from speciate.records import FOUNDER
from speciate.words import SHORT

MOST = 40
MORE = "more"


@dataclass(frozen=True)
class Link:
    """A parent by its key, and the part that it plays."""

    parent: str
    role: str


@dataclass(frozen=True)
class Member:
    """One of a family.

    Attributes:
        key: Its id; the name of a model that is only named; or `MORE` for all that are left out.
        name: For people.
        note: Operator and fitness, a licence, or how many are left out.
        kind: "bred", "founder", "named" or "more".
        rank: Those with a lower rank were made before it.
        links: To its parents, as far as they are members.
    """

    key: str
    name: str
    note: str
    kind: str
    rank: float
    links: tuple[Link, ...] = ()


@dataclass
class Family:
    """Members, oldest first; the last is the individual itself.

    Attributes:
        left_out: How many ancestors are not shown.
    """

    members: list[Member] = field(default_factory=list)
    left_out: int = 0

    @property
    def by_key(self) -> dict[str, Member]:
        """All members."""
        return {member.key: member for member in self.members}


def family_of(archive: Archive, name: str, most: int = MOST) -> Family:
    """The nearest ancestors of an individual, and its founders with their past."""
    rows = archive.index.ancestors(name)
    shown = _nearest({row.id: row for row in rows}, name, most)
    kept = [row for row in rows if row.id in shown or row.operator == FOUNDER]
    pasts = pasts_of(archive, [row for row in kept if row.operator == FOUNDER])
    founders = {one.name: one for one in pasts}
    family = Family(left_out=len(rows) - len(kept))
    family.members += _named(pasts)
    if family.left_out:
        family.members.append(_more(kept, family.left_out))
    family.members += [_member(row, founders, {one.id for one in kept}) for row in kept]
    return family


def _nearest(known: dict[str, Row], name: str, most: int) -> set[str]:
    """Found generation by generation, back from the individual."""
    order = {name: None}
    for current in (queue := [name]):
        for parent in known[current].parents:
            if parent.id not in order:
                order[parent.id] = None
                queue.append(parent.id)
    return set(list(order)[:most])


def _member(row: Row, founders: dict[str, Forebear], shown: set[str]) -> Member:
    if row.operator == FOUNDER:
        own = founders[str(row.name)]
        links = tuple(Link(parent.name, own.relation or "made of") for parent in own.parents)
        return Member(row.id, str(row.name), str(own.licence), "founder", 0, links)
    fitness = "failed" if row.fitness is None else f"{row.fitness:.4f}"
    seen = [Link(kin.id if kin.id in shown else MORE, kin.role) for kin in row.parents]
    note = f"{row.operator} {fitness}"
    links = tuple(dict.fromkeys(seen))
    return Member(row.id, row.id[:SHORT], note, "bred", row.generation, links)


def _more(kept: Sequence[Row], count: int) -> Member:
    """In the place of those left out, who come from the founders."""
    links = tuple(Link(row.id, "") for row in kept if row.operator == FOUNDER)
    ranks = [row.generation for row in kept if row.operator != FOUNDER]
    note = "ancestor" if count == 1 else "ancestors"
    return Member(MORE, f"{count} more", note, "more", min(ranks, default=1) - 0.5, links)


def _named(pasts: Sequence[Forebear]) -> list[Member]:
    """What founders were made from, each once, above those who were made of it."""
    found: dict[str, Member] = {}
    for one, depth in _above(pasts):
        if one.name not in found or found[one.name].rank > -depth:
            licence = str(one.licence) if one.licence.id else "only named"
            links = tuple(Link(parent.name, one.relation or "made of") for parent in one.parents)
            found[one.name] = Member(one.name, one.name, licence, "named", -depth, links)
    return sorted(found.values(), key=lambda member: (member.rank, member.key))


def _above(pasts: Sequence[Forebear], depth: int = 1) -> Iterator[tuple[Forebear, int]]:
    for one in pasts:
        for parent in one.parents:
            yield parent, depth
        yield from _above(one.parents, depth + 1)
