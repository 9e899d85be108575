"""What operators and agents brought, with intervals."""

from collections.abc import Sequence

from speciate.report import labels
from speciate.report.figure import Dots, Figure, Line
from speciate.report.success import Success

_MOST = 24


def success(key: str, title: str, what: str, found: Sequence[Success]) -> Figure:
    """Mean improvement over the best parent, by kind, those with most offspring first."""
    listed = [one for one in found if one.gain == one.gain][:_MOST]
    rows = [labels.name(one.name) for one in listed]
    places = [float(place) for place in range(len(listed))]
    dots = Dots(
        "mean improvement, 95% interval",
        [one.gain for one in listed],
        places,
        [_told(one) for one in listed],
        "accent",
        size=9,
        low=[one.low for one in listed],
        high=[one.high for one in listed],
    )
    zero = Line("no change", [0.0, 0.0], [-0.6, len(listed) - 0.4], "muted", 1, dash=True)
    return Figure(
        key,
        title,
        f"Mean fitness of offspring less that of their best parent, by {what}, with 95% intervals "
        "(Student's t over offspring). Selection keeps the best of many, so an operator whose mean "
        "is below zero can still bring progress.",
        "improvement over the best parent",
        "",
        [zero, dots],
        rows=rows,
        height=130 + 34 * len(listed),
        legend=False,
    )


def _told(one: Success) -> str:
    interval = f" [{one.low:+z.4f}, {one.high:+z.4f}]" if one.low == one.low else ""
    return f"{labels.name(one.name)}: {one.gain:+z.4f}{interval}, {one.offspring:,} offspring"
