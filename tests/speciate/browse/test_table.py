"""The table: filtered while one types, and sorted."""

from collections.abc import Callable
from typing import Any

Browse = Callable[..., None]


def _numbers(terminal: Any) -> list[int]:
    return list(terminal.app.table.list.numbers)


def test_newest_first_and_sorted_by_every_column(family: Any, browse: Browse) -> None:
    async def story(terminal: Any) -> None:
        await terminal.press("2")
        assert _numbers(terminal) == [8, 7, 6, 5, 4, 3, 2, 1]
        assert "8 individuals, newest first" in terminal.status
        rows = family.archive.index.rows()
        ids = [row.number for row in sorted(rows, key=lambda row: row.id)]
        await terminal.press("s")
        assert _numbers(terminal) == ids
        await terminal.press("r")
        assert _numbers(terminal) == ids[::-1]
        await terminal.press("s", "s")
        assert "fitness▼" in terminal.lines[3]
        assert _numbers(terminal) == [8, 6, 5, 4, 3, 2, 1, 7]
        await terminal.press("s", "s", "s")
        assert "by prose, falling" in terminal.status
        assert _numbers(terminal) == [1, 2, 3, 4, 5, 6, 8, 7]
        await terminal.press(*"sssss")
        assert "by reason" in terminal.status
        await terminal.press("s")
        assert "newest first" in terminal.status

    browse(family.folder, story)


def test_filter_while_typing(family: Any, browse: Browse) -> None:
    async def story(terminal: Any) -> None:
        await terminal.press("2", "slash")
        await terminal.type("linear")
        await terminal.until(lambda: _numbers(terminal) == [8, 7, 6, 4])
        await terminal.type(" prose < 2.6")
        await terminal.until(lambda: _numbers(terminal) == [8, 6])
        assert "2 of 8 individuals" in terminal.status
        await terminal.type(" q > 1")
        await terminal.until(lambda: "no column 'q'" in terminal.said)
        await terminal.press("escape")
        await terminal.until(lambda: len(_numbers(terminal)) == 8)
        await terminal.press("slash")
        await terminal.type("nobody")
        await terminal.until(lambda: "nobody matches" in terminal.lines[4])
        await terminal.press("enter", "m", "down", "enter", "2", "escape", "home")
        await terminal.until(lambda: len(_numbers(terminal)) == 8)

    browse(family.folder, story)


def test_the_cursor_is_on_the_same_individual_in_all_views(family: Any, browse: Browse) -> None:
    async def story(terminal: Any) -> None:
        wanted = family.born[4].id[:10]
        await terminal.press("2", "home", "down", "down", "down")
        assert wanted in terminal.cursor
        await terminal.press("1")
        assert wanted in terminal.cursor
        await terminal.press("tab")
        assert wanted in terminal.cursor
        await terminal.press("enter")
        await terminal.until(lambda: wanted in terminal.lines[2])
        await terminal.press("escape", "s")
        assert wanted in terminal.cursor

    browse(family.folder, story)


def test_columns_beyond_the_screen_are_reached(family: Any, browse: Browse) -> None:
    async def story(terminal: Any) -> None:
        await terminal.press("2")
        assert "reason" not in terminal.lines[3]
        await terminal.press(*["right"] * 7)
        assert "reason" in terminal.lines[3]
        assert "shapes differ" in terminal.text

    browse(family.folder, story)


def test_only_rows_in_sight_are_read(family: Any, browse: Browse) -> None:
    family.commit(*(family.child(1, seed=1000 + number) for number in range(300)))

    async def story(terminal: Any) -> None:
        await terminal.press("2")
        assert len(_numbers(terminal)) == 308
        assert len(terminal.app._rows._kept) < 150
        await terminal.press("end")
        assert "founder maths" in terminal.cursor

    browse(family.folder, story)
