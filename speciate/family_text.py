"""A family tree as lines of text, which any page shows."""

from collections.abc import Iterator

from speciate.archive.message import one_line
from speciate.family import Family, Member

_LINES, _DEEPEST = 60, 12


def family_text(family: Family) -> str:
    """An individual and below it its parents and theirs; who was told of is not told again."""
    lines = list(_told(family))
    if len(lines) > _LINES:
        lines = [*lines[:_LINES], f"... {len(lines) - _LINES} more lines"]
    return "\n".join(lines) + "\n"


def _told(family: Family) -> Iterator[str]:
    known, told = family.by_key, set[str]()
    stack: list[tuple[Member, str, str, str]] = [(family.members[-1], "", "", "")]
    while stack:
        member, role, before, indent = stack.pop()
        again = member.key in told and bool(member.links)
        told.add(member.key)
        part, more = f"{role}: " if role else "", ", see above" if again else ""
        yield before + one_line(f"{part}{member.name}, {member.note}{more}")
        if again or len(indent) >= 3 * _DEEPEST:
            continue
        last = len(member.links) - 1
        for place in range(last, -1, -1):
            link = member.links[place]
            mark, line = ("└─ ", "   ") if place == last else ("├─ ", "│  ")
            stack.append((known[link.parent], link.role, indent + mark, indent + line))
