"""The tree on a terminal: folded, zoomed, and followed up and down."""

from collections.abc import Callable
from typing import Any

Browse = Callable[..., None]


def _names(terminal: Any) -> list[str]:
    """Names on the lines of the tree, in the order of the screen."""
    tree = terminal.app.tree_
    rows = (tree.rows.get(tree.shown.numbers, line) for line in range(tree.count))
    return [row.name or str(row.number) for row in rows]


def test_everybody_hangs_under_the_first_model(family: Any, browse: Browse) -> None:
    async def story(terminal: Any) -> None:
        assert _names(terminal) == ["maths", "4", "5", "7", "8", "6", "code", "chat"]
        best = family.born[7].id[:10]
        assert f"│ └ ★ {best}  0.6667  linear  with {family.born[5].id[:10]}" in terminal.text
        assert "failed" in terminal.lines[5]
        assert "8 born, 1 failed  best 0.6667" in terminal.lines[0]

    browse(family.folder, story)


def test_zoom_and_folds(family: Any, browse: Browse) -> None:
    async def story(terminal: Any) -> None:
        await terminal.press("minus", "minus")
        assert _names(terminal) == ["maths", "4", "code", "chat"]
        assert "2 levels" in terminal.status
        await terminal.press("down", "right")
        assert _names(terminal) == ["maths", "4", "5", "6", "code", "chat"]
        await terminal.press("space")
        assert "▸" in terminal.lines[3]
        await terminal.press("left")
        assert "maths" in terminal.cursor
        await terminal.press("left")
        assert _names(terminal) == ["maths", "code", "chat"]
        await terminal.press("0")
        assert len(_names(terminal)) == 8
        assert "all levels" in terminal.status
        await terminal.press("minus", "plus")
        assert len(_names(terminal)) == 8

    browse(family.folder, story)


def test_ancestors_offspring_and_the_whole_again(family: Any, browse: Browse) -> None:
    async def story(terminal: Any) -> None:
        await terminal.press("asterisk", "a")
        assert _names(terminal) == ["8", "5", "4", "maths", "code", "chat", "6", "4"]
        assert "= " in terminal.lines[9]
        assert "ancestors" in terminal.status
        await terminal.press("down", "down", "o")
        assert _names(terminal) == ["4", "5", "7", "8", "6", "7", "8"]
        await terminal.press("end", "w")
        assert _names(terminal)[:2] == ["maths", "4"]
        assert family.born[7].id[:10] in terminal.cursor

    browse(family.folder, story)


def test_parents_and_children_are_a_key_away(family: Any, browse: Browse) -> None:
    async def story(terminal: Any) -> None:
        await terminal.press("p")
        assert "maths" in terminal.cursor
        await terminal.press("c", "c")
        assert family.born[4].id[:10] in terminal.cursor
        await terminal.press("p", "p", "p", "p")
        assert "maths" in terminal.cursor
        await terminal.press("end", "home", "j", "k", "pagedown", "G")
        assert "chat" in terminal.cursor

    browse(family.folder, story)


def test_an_individual_under_folded_ones_is_revealed(family: Any, browse: Browse) -> None:
    async def story(terminal: Any) -> None:
        await terminal.press("minus", "minus", "minus")
        assert _names(terminal) == ["maths", "code", "chat"]
        await terminal.press("asterisk")
        assert _names(terminal) == ["maths", "4", "5", "7", "8", "6", "code", "chat"]
        assert family.born[7].id[:10] in terminal.cursor

    browse(family.folder, story)


def test_deep_trees_keep_room_for_names(grown: Any, browse: Browse) -> None:
    grown.founders("first")
    for number in range(1, 31):
        grown.breed(number)

    async def story(terminal: Any) -> None:
        await terminal.press("0", "end")
        assert "⋯18" in terminal.lines[-3]
        assert grown.born[-1].id[:10] in terminal.lines[-3]

    browse(grown.folder, story)
