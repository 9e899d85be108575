"""Fronts and flips on a terminal."""

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from speciate.display.campaign import BREAKS, Known, made_by, plain_table
from speciate.evaluator.statistics import Gain
from speciate.flips import Change, Comparison, Flips, Shifts
from speciate.front import Entry, Front, Objective
from speciate.review.visible import visible
from speciate.words import label

_LISTED = 3
_CHANGES = 8
_EXTREMES = 2
_ANSWER = 24
_PLOT_ROWS = 20


def front(found: Front, rows: Sequence[Entry], known: Known, console: Console) -> RenderableType:
    """Who is on which front, with as much of each score as the terminal is wide for."""
    table = _scores(found, rows, known, intervals=True)
    reference = _name(found.reference.id, known)
    endless = console.options.update(max_width=10_000)
    fits = Measurement.get(console, endless, table).maximum <= console.width
    where = "below" if fits else "in --json and --csv"
    return Group(
        _summary(found),
        "",
        table if fits else _scores(found, rows, known, intervals=False),
        "",
        Text(f"+ -: better, worse than {reference}; 95% intervals are {where}"),
        *_breaking(rows),
        *(_dominated(founder, over, known) for founder, over in found.dominating.items() if over),
        _undominated(found, known),
    )


def _breaking(rows: Sequence[Entry]) -> list[Text]:
    count = sum(bool(entry.violations) for entry in rows)
    if not count:
        return []
    verb = "breaks a constraint" if count == 1 else "break constraints"
    return [Text(f"{BREAKS.strip()}: {count} of these {verb}; `speciate show` tells which")]


def _summary(found: Front) -> Text:
    first = sum(entry.front == 1 for entry in found.entries)
    last = found.entries[-1].front
    failed = f"; {found.failed} failed" if found.failed else ""
    return Text(
        f"{first} of {len(found.entries)} individuals are on the front over "
        f"{len(found.objectives)} tasks; {last} fronts in all{failed}"
    )


def _scores(found: Front, rows: Sequence[Entry], known: Known, intervals: bool) -> Table:
    names = [one.task for one in found.objectives]
    shown = (escape(visible(name)) for name in names)
    table = plain_table("front", "id ", "made by ", "step", *shown)
    table.padding = (0, 1, 0, 0)
    for entry in rows:
        one = entry.individual
        made = "founder" if entry.is_founder else made_by(one)
        table.add_row(
            str(entry.front),
            Text(_name(one.id, known) + BREAKS * bool(entry.violations)),
            Text(visible(made)),
            str(one.step),
            *(_score(entry, name, intervals) for name in names),
            style="bold" if entry.front == 1 else "",
        )
    return table


def _score(entry: Entry, task: str, interval: bool) -> Text:
    gain = entry.gains.get(task)
    value = f"{entry.scores[task].value:.4f}"
    if gain is None:
        return Text(f"{value} ")
    clear = gain.is_clear or gain.high < 0
    sign = ("+" if gain.is_clear else "-") if clear else " "
    below = f"\n[{gain.low:+.4f}, {gain.high:+.4f}]" if interval else ""
    return Text(f"{value}{sign}{below}", style=_style(gain))


def _style(gain: Gain) -> str:
    return "green" if gain.is_clear else "red" if gain.high < 0 else ""


def _dominated(founder: str, over: Sequence[str], known: Known) -> Text:
    named = " ".join(_name(name, known) for name in over[:_LISTED])
    more = f" and {len(over) - _LISTED} more" if len(over) > _LISTED else ""
    return Text(f"{_name(founder, known)} is dominated by {named}{more}")


def _undominated(found: Front, known: Known) -> Text:
    names = ", ".join(_name(name, known) for name, over in found.dominating.items() if not over)
    return Text(f"Dominated by nobody: {names}" if names else "Every founder is dominated.")


def only_task(found: Front, known: Known, folder: object) -> Text:
    """What to say instead when there is nothing to weigh against each other."""
    task, best = found.objectives[0].task, found.entries[0]
    value, name = best.scores[task].value, _name(best.individual.id, known)
    return Text(
        f"{visible(task)} is the only task: its front is who is best at it, {name} ({value:.4f}).\n"
        f"Look at `speciate best {folder}` for the champion, `speciate log {folder}` for all."
    )


def scatter(found: Front, width: int) -> Text:
    """The first two tasks, better to the upper right."""
    # Only here is it needed, and it takes a third of a second.
    from plotext import figure

    across, up = found.objectives[:2]
    figure.clear()
    figure.theme("colorless").plot_size(width, _PLOT_ROWS)
    for sign, entries in _signs(found).items():
        if entries:
            points = [[one.scores[task.task].value for one in entries] for task in (across, up)]
            figure.draw(figure.signal(*points, marker=sign))
    for task, axis in ((across, "x"), (up, "y")):
        figure.label(visible(task.task), axis)
        if not task.higher_is_better:
            figure.ruler(axis).direction(-1)
    drawn = figure.build().string(colorless=True)
    return Text(
        f"● ◆ on the front over {len(found.objectives)} tasks, · ◇ behind it; ◆ ◇ founders\n"
        f"up: {_axis(up)}\nright: {_axis(across)}\n{drawn.rstrip()}"
    )


def _signs(found: Front) -> dict[str, list[Entry]]:
    """Who is drawn with which sign; what is drawn last stays visible."""
    signs: dict[str, list[Entry]] = {"·": [], "◇": [], "●": [], "◆": []}
    for entry in found.entries:
        pair = "◆◇" if entry.is_founder else "●·"
        signs[pair[0 if entry.front == 1 else 1]].append(entry)
    return signs


def _axis(task: Objective) -> str:
    named = f"{visible(task.task)} ({visible(task.metric)}"
    return f"{named}, {'more' if task.higher_is_better else 'less'} is better)"


def comparison(found: Comparison, known: Known) -> RenderableType:
    """What changed from one individual to another, task by task."""
    names = [_name(one.id, known) for one in (found.before, found.after)]
    parts: list[RenderableType] = [Text(f"From {names[0]} to {names[1]}, on the search splits")]
    if found.flips:
        parts += ["", _flips(found.flips)]
        parts += [_items(one.task, "right, now wrong", one.negative) for one in found.flips]
        parts += [_items(one.task, "wrong, now right", one.positive) for one in found.flips]
    if found.shifts:
        parts += ["", _shifts(found.shifts)]
        parts += ["", _extremes(found.shifts)]
    return Group(*parts)


def _flips(rows: Sequence[Flips]) -> Table:
    table = plain_table("task", "items", "before", "after", "now wrong", "now right", "McNemar p")
    for one in rows:
        table.add_row(
            Text(visible(one.task)),
            str(one.items),
            f"{one.before:.4f}",
            f"{one.after:.4f}",
            _share(one.negative, one.items),
            _share(one.positive, one.items),
            f"{one.p_value:.2g}",
        )
    return table


def _share(changes: Sequence[Change], items: int) -> str:
    return f"{len(changes)} ({len(changes) / items:.1%})"


def _shifts(rows: Sequence[Shifts]) -> Table:
    table = plain_table("task", "worse", "better", "same", "mean gain, 95% ", "Wilcoxon p")
    for one in rows:
        same = one.items - len(one.worse) - len(one.better)
        table.add_row(
            Text(visible(f"{one.task}, {one.metric}")),
            str(len(one.worse)),
            str(len(one.better)),
            str(same),
            _gain(one),
            f"{one.p_value:.2g}",
        )
    return table


def _gain(one: Shifts) -> Text:
    gain = one.gain
    if gain is None:
        return Text("one item only")
    return Text(f"{gain.mean:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}]", style=_style(gain))


def _extremes(rows: Sequence[Shifts]) -> Table:
    table = plain_table("largest changes", "worse ", "better ")
    for one in rows:
        table.add_row(
            Text(visible(one.task)), *(_first(changes) for changes in (one.worse, one.better))
        )
    return table


def _first(changes: Sequence[Change]) -> str:
    return ", ".join(f"{one.item} by {one.after - one.before:+.3f}" for one in changes[:_EXTREMES])


def _items(task: str, what: str, changes: Sequence[Change]) -> Text:
    """Numbers of items with what was answered, if the archive has that."""
    shown = "; ".join(map(_change, changes[:_CHANGES]))
    more = f"; {len(changes) - _CHANGES} more in --json" if len(changes) > _CHANGES else ""
    return Text(f"{visible(task)}, {what}: {shown or 'none'}{more}")


def _change(one: Change) -> str:
    if one.answer_before is None or one.answer_after is None:
        return str(one.item)
    return f"{one.item}: {_short(one.answer_before)} → {_short(one.answer_after)}"


def _short(answer: str) -> str:
    """In one line; an answer may be long, hold line breaks or codes, or be empty."""
    text = visible(" ".join(answer.split())) or '""'
    return text if len(text) <= _ANSWER else f"{text[: _ANSWER - 1]}…"


def _name(id_: str, known: Known) -> str:
    """What an individual is called, which strangers may have chosen."""
    return visible(label(id_, known))
