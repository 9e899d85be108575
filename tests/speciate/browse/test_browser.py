"""Live growth, trouble, strangers' text, archives with nothing in them, and how it ends."""

import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.style import Style

Browse = Callable[..., None]
HOSTILE = "[bold red]a\x1b[2J\x1b]0;owned\x07b\u202ec\u200bd\r\n[@click=app.quit]x[/]"


def test_it_grows_while_a_campaign_runs(family: Any, browse: Browse) -> None:
    async def story(terminal: Any) -> None:
        await terminal.press("2", "home", "down", "m")
        kept = terminal.cursor
        for parents in ((8,), (8, 6), (9,)):
            child = family.breed(*parents)
            await terminal.until(lambda child=child: child.id[:10] in terminal.text)
        assert terminal.cursor == kept
        assert "11 born" in terminal.lines[0]
        assert "● 1" in terminal.lines[1]
        await terminal.press("1", "0")
        family.breed(11)
        await terminal.until(lambda: "12 born" in terminal.lines[0])
        await terminal.settle()
        assert family.born[11].id[:10] in terminal.text
        assert family.born[6].id[:10] in terminal.cursor

    browse(family.folder, story)


def test_a_damaged_or_deleted_archive_is_told_in_a_line(
    family: Any, browse: Browse, tmp_path: Path
) -> None:
    aside = tmp_path / "aside"

    async def story(terminal: Any) -> None:
        family.folder.rename(aside)
        await terminal.until(lambda: "is gone; put it back" in terminal.said)
        await terminal.press("2", "down", "3", "4", "5", "6", "7", "1", "a", "w")
        aside.rename(family.folder)
        await terminal.until(lambda: "is gone" not in terminal.said)
        main = family.folder / ".git/refs/heads/main"
        head = main.read_text()
        main.write_text("0" * 39 + "1\n")
        await terminal.until(lambda: "names no commit" in terminal.said)
        main.write_text(head)
        await terminal.until(lambda: "names no commit" not in terminal.said)
        shutil.rmtree(family.folder)
        await terminal.until(lambda: "is gone" in terminal.said)
        await terminal.press("2", "s", "enter", "6", "x")

    browse(family.folder, story)


def test_text_of_strangers_is_shown_harmlessly(grown: Any, browse: Browse) -> None:
    grown.founders(HOSTILE, "tame")
    grown.breed(1, 2, operator=HOSTILE, proposer=HOSTILE, reason=HOSTILE)
    grown.breed(1, failed=True, error=HOSTILE)

    async def story(terminal: Any) -> None:
        seen = []
        for keys in ("1", "2", ("end", "enter"), ("1", "m", "end", "m", "d"), "5", "6"):
            await terminal.press(*keys)
            await terminal.pilot.pause(0.3)
            await terminal.settle()
            seen.append(terminal.text)
        for text in seen:
            assert not [sign for sign in text if not sign.isprintable() and sign != "\n"]
        assert "[bold red]a\\x1b[2J" in seen[0]
        assert "\\u202ec\\u200bd" in seen[2]
        styles = [
            segment.style or Style()
            for strip in terminal.app.screen._compositor.render_strips()
            for segment in strip
        ]
        assert not any("app.quit" in str(style.meta) for style in styles)

    browse(grown.folder, story, (140, 45))


@pytest.mark.parametrize("failed", [False, True])
def test_nobody_yet_or_nobody_who_did_not_fail(grown: Any, browse: Browse, failed: bool) -> None:
    if failed:
        grown.commit(*(grown.dead(number) for number in range(3)))

    async def story(terminal: Any) -> None:
        assert ("3 born, 3 failed" if failed else "0 born, 0 failed") in terminal.lines[0]
        await terminal.press("a", "o", "w", "space", "left", "p", "c", "asterisk", "m", "end", "m")
        await terminal.press("2", "s", "r", "end", "enter", "4", "5", "6", "x", "v", "enter")
        await terminal.press("7", "v", "right", "1")
        assert "failed" in terminal.text

    browse(grown.folder, story)


def test_help_theme_and_all_views_by_tab(family: Any, browse: Browse) -> None:
    async def story(terminal: Any) -> None:
        await terminal.press("question_mark")
        assert "the individual in full, and back" in terminal.text
        assert "folded" in terminal.text
        await terminal.press("q")
        assert "the individual in full" not in terminal.text
        dark = terminal.app.theme
        await terminal.press("t")
        assert terminal.app.theme != dark
        seen = set()
        for _ in range(7):
            await terminal.press("tab")
            seen.add(terminal.app._view)
        assert len(seen) == 7
        await terminal.press("shift+tab")
        assert terminal.app._view == "kinship"
        await terminal.pilot.click("#tabs", offset=(14, 0))
        await terminal.settle()
        assert terminal.app._view == "table"
        assert all(len(line) <= 80 for line in terminal.lines)

    browse(family.folder, story)


@pytest.mark.parametrize("end", [b"q", b"\x03", signal.SIGTERM])
def test_a_real_terminal_is_restored(family: Any, end: Any, tmp_path: Path) -> None:
    """In a terminal of its own, without colours: what it is set to, it is unset from."""
    process, main = _started(family.folder, tmp_path)
    said = _read(main, lambda said: b"maths" in said)
    if isinstance(end, bytes):
        os.write(main, end)
    else:
        process.send_signal(end)
    said += _read(main, lambda said: b"\x1b[?25h" in said)
    assert process.wait(20) == 0
    os.close(main)
    assert b"\x1b[?1049h" in said
    after = said.rpartition(b"\x1b[?1049h")[2]
    assert b"\x1b[?1049l" in after
    assert b"\x1b[?25h" in after
    assert b"Traceback" not in said
    assert b"[38;" not in said and b"[31m" not in said


def test_it_ends_with_its_terminal(family: Any, tmp_path: Path) -> None:
    """Also where no signal tells that a connection was lost."""
    process, main = _started(family.folder, tmp_path)
    _read(main, lambda said: b"maths" in said)
    os.close(main)
    process.wait(20)


def _started(folder: Path, work: Path) -> tuple["subprocess.Popen[bytes]", int]:
    """The command in a terminal, and the terminal's other end."""
    main, other = pty.openpty()
    code = "from speciate.cli import program; program()"
    command = [sys.executable, "-c", code, "browse", str(folder)]
    environment = os.environ | {"TERM": "xterm-256color", "NO_COLOR": "1", "LINES": "24"}
    process = subprocess.Popen(
        command,
        stdin=other,
        stdout=other,
        stderr=other,
        env=environment | {"COLUMNS": "80"},
        cwd=work,
        start_new_session=True,
    )
    os.close(other)
    return process, main


def _read(terminal: int, enough: Callable[[bytes], bool]) -> bytes:
    said, end, poll = b"", time.monotonic() + 30, select.poll()
    poll.register(terminal, select.POLLIN)
    while time.monotonic() < end and not enough(said):
        if poll.poll(100):
            try:
                said += os.read(terminal, 65536)
            except OSError:
                break
    return said


def test_what_is_no_archive_or_no_terminal_is_told(tmp_path: Path, cli: Any) -> None:
    said = cli("browse", tmp_path)
    assert (said.status, said.out) == (2, "")
    assert "browse needs a terminal" in said.err
