"""A family tree as an SVG figure: the same family gives the same bytes."""

from collections.abc import Mapping
from itertools import groupby
from xml.sax.saxutils import escape

from speciate.archive.message import one_line
from speciate.family import Family, Link, Member

_WIDTH, _HEIGHT, _GAP, _LAYER, _MARGIN = 132, 40, 18, 92, 12
_LONGEST = 19
_SWEEPS = 4
_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2430; text-anchor: middle; }
text.note { font-size: 10px; fill: #5b6270; }
rect { fill: #eef1f6; stroke: #8a93a6; rx: 6px; }
rect.ground { fill: #ffffff; stroke: none; rx: 0; }
rect.founder { fill: #dcebdc; stroke: #5f8f64; }
rect.named, rect.more { fill: none; stroke-dasharray: 4 3; }
rect.self { fill: #fbe8cf; stroke: #c07a1e; stroke-width: 2; }
path { fill: none; stroke: #8a93a6; }
path.base { stroke-dasharray: 3 4; }
@media (prefers-color-scheme: dark) {
text { fill: #e8eaf0; } text.note { fill: #a6adbb; }
rect { fill: #2a3040; } rect.ground { fill: #12151c; }
rect.founder { fill: #22392a; } rect.self { fill: #4a3517; }
rect.named, rect.more { fill: none; }
}
"""
Places = Mapping[str, tuple[float, float]]


def family_svg(family: Family) -> str:
    """The figure, oldest at the top."""
    layers = _layers(family)
    widest = max(len(layer) for layer in layers)
    width = widest * (_WIDTH + _GAP) - _GAP + 2 * _MARGIN
    height = (len(layers) - 1) * _LAYER + _HEIGHT + 2 * _MARGIN
    places = {
        key: (width / 2 + (place - (len(layer) - 1) / 2) * (_WIDTH + _GAP), _MARGIN + row * _LAYER)
        for row, layer in enumerate(layers)
        for place, key in enumerate(layer)
    }
    last = family.members[-1].key
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img">',
        f"<title>Ancestors of {_text(last)}</title>",
        f"<style>{_STYLE}</style>",
        f'<rect class="ground" width="{width}" height="{height}"/>',
        *(_edge(member, link, places) for member in family.members for link in member.links),
        *(_box(member, places[member.key], member.key == last) for member in family.members),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _layers(family: Family) -> list[list[str]]:
    """Keys from the oldest rank to the youngest; in each, near those they descend from."""
    members = sorted(family.members, key=lambda member: member.rank)
    layers = [[m.key for m in layer] for _, layer in groupby(members, key=lambda m: m.rank)]
    above = {m.key: [link.parent for link in m.links] for m in members}
    below: dict[str, list[str]] = {m.key: [] for m in members}
    for child, parents in above.items():
        for parent in parents:
            below[parent].append(child)
    for sweep in range(_SWEEPS):
        relatives, order = (above, layers) if sweep % 2 == 0 else (below, layers[::-1])
        for layer in order:
            _straighten(layer, relatives, _shares(layers))
    return layers


def _shares(layers: list[list[str]]) -> dict[str, float]:
    """How far to the right each is, from 0 to 1."""
    return {key: (place + 0.5) / len(layer) for layer in layers for place, key in enumerate(layer)}


def _straighten(layer: list[str], kin: Mapping[str, list[str]], at: Mapping[str, float]) -> None:
    """Puts each below, or above, the middle of its relatives."""

    def middle(key: str) -> float:
        own = [at[other] for other in kin[key]]
        return sum(own) / len(own) if own else at[key]

    layer.sort(key=middle)


def _edge(member: Member, link: Link, places: Places) -> str:
    x1, top = places[link.parent]
    y1 = top + _HEIGHT
    x2, y2 = places[member.key]
    bend = (y2 - y1) / 2
    kind = ' class="base"' if link.role == "base" else ""
    curve = f"M{x1:g} {y1:g}C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2:g}"
    return f'<path{kind} d="{curve}"><title>{_text(link.role)}</title></path>'


def _box(member: Member, place: tuple[float, float], is_self: bool) -> str:
    x, y = place
    kind = "self" if is_self else member.kind
    left = x - _WIDTH / 2
    return (
        f"<g><title>{_text(f'{member.name}: {member.note}')}</title>"
        f'<rect class="{kind}" x="{left:g}" y="{y:g}" width="{_WIDTH}" height="{_HEIGHT}"/>'
        f'<text x="{x:g}" y="{y + 17:g}">{_text(_short(member.name))}</text>'
        f'<text class="note" x="{x:g}" y="{y + 31:g}">{_text(_short(member.note))}</text></g>'
    )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _text(text: str) -> str:
    """Strangers' words as nothing but words."""
    return escape(one_line(text), {'"': "&quot;"})
