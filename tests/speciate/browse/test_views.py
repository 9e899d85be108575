"""Detail, diff, curves, Pareto and kinship on a terminal."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speciate.browse.pareto import front
from speciate.evaluator.statistics import paired_gain
from speciate.kinship_cache import write_kinship
from speciate.population.kinship import Kinship, Moments
from speciate.population.pareto import pareto

Browse = Callable[..., None]


def test_all_of_an_individual_with_intervals(family: Any, browse: Browse) -> None:
    one = family.born[5]
    score = one.evaluation.scores["prose"]
    gain = paired_gain(score.items, [0.0] * len(score.items), higher_is_better=True)

    async def story(terminal: Any) -> None:
        terminal.app._go(6)
        await terminal.press("enter")
        await terminal.until(lambda: f"[{gain.low:.4f}, {gain.high:.4f}]" in terminal.text)
        for told in (
            one.id,
            f"linear of {family.born[3].id[:10]} (100%)",
            "step 3, generation 2, proposed by breeder",
            "the halves complement each other",
            "breeder@local/linear, prompt first",
            "0.6250",
            "Ada <ada@example.org>",
            f"prose  {score.value:.4f}",
        ):
            assert told in terminal.text
        await terminal.press("p", "p")
        await terminal.until(lambda: "founder maths" in terminal.text)
        await terminal.press("c", "c", "c")
        await terminal.until(lambda: "shapes differ" in terminal.text)
        await terminal.press("escape")
        assert family.born[6].id[:10] in terminal.cursor

    browse(family.folder, story)


def test_the_detail_stands_beside_where_there_is_room(family: Any, browse: Browse) -> None:
    async def story(terminal: Any) -> None:
        await terminal.press("down")
        await terminal.until(lambda: family.born[3].id in terminal.text)
        assert "├" in terminal.text
        await terminal.pilot.resize_terminal(80, 24)
        await terminal.until(lambda: family.born[3].id not in terminal.text)
        await terminal.pilot.resize_terminal(140, 45)
        await terminal.press("up")
        await terminal.until(lambda: family.born[0].id in terminal.text)

    browse(family.folder, story, (120, 40))


def test_diff_of_the_last_two_marked(family: Any, browse: Browse) -> None:
    async def story(terminal: Any) -> None:
        await terminal.press("d")
        assert "mark two individuals" in terminal.text
        await terminal.press("escape", "m", "down", "m", "down", "m", "down", "m")
        assert "● 4" in terminal.lines[1]
        await terminal.press("d")
        await terminal.until(lambda: "failed and has no scores" in terminal.text)
        await terminal.press("1", "m", "d")
        await terminal.until(lambda: "McNemar" in terminal.text)
        assert re.search(r"made by +linear +ties", terminal.text)
        await terminal.press("1", "u")
        assert "●" not in terminal.text

    browse(family.folder, story, (120, 40))


def test_curves_follow_the_steps(family: Any, browse: Browse) -> None:
    async def story(terminal: Any) -> None:
        await terminal.press("5")
        await terminal.until(lambda: "0.67" in terminal.text)
        dots = sum(0x2800 < ord(sign) < 0x2900 for sign in terminal.text)
        assert dots > 50
        assert "best fitness of the living" in terminal.status

    browse(family.folder, story)


def test_pareto_view_of_two_tasks(family: Any, browse: Browse) -> None:
    async def story(terminal: Any) -> None:
        await terminal.press("6")
        await terminal.until(lambda: family.born[7].id[:10] in terminal.text)
        assert "●" in terminal.text
        assert "right: sums, up: prose; all" in terminal.status
        await terminal.press("x", "v")
        assert "right: sums, up: prose; the living" in terminal.status
        assert terminal.app.pareto.current == 8
        await terminal.press("m")
        assert "◆" in terminal.text

    browse(family.folder, story)


Points = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=30)


@settings(max_examples=60, deadline=None)
@given(Points, st.booleans(), st.booleans())
def test_the_front_is_who_nobody_dominates(
    drawn: list[tuple[int, int]], across: bool, up: bool
) -> None:
    signs = (1 if across else -1, 1 if up else -1)
    points = {
        str(place): [sign * float(value) for sign, value in zip(signs, one, strict=True)]
        for place, one in enumerate(drawn)
    }
    wanted = {int(placed.id) for placed in pareto(points) if placed.front == 1}
    found = front([(n, float(x), float(y)) for n, (x, y) in enumerate(drawn)], (across, up))
    assert {number for number, _, _ in found} == wanted


@pytest.mark.parametrize("colour", [True, False])
def test_kinship_of_the_living(
    family: Any, browse: Browse, colour: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    living = family.archive.index.living()
    vectors = np.random.default_rng(0).normal(size=(len(living), 50))
    kinship = Kinship(
        tuple(row.id for row in living), Moments(50, vectors.sum(1), vectors @ vectors.T)
    )

    async def story(terminal: Any) -> None:
        if not colour:
            assert terminal.app.no_color
        await terminal.press("7")
        assert f"speciate kinship {family.folder}"[:40] in terminal.text
        write_kinship(family.folder, kinship)
        await terminal.press("1", "7")
        await terminal.until(lambda: living[0].id[:10] in terminal.lines[3])
        await terminal.press("home", "right")
        wanted = kinship.matrix("pearson")[0, 1]
        assert f"pearson {wanted:.4f}" in terminal.status
        await terminal.press("v", "down")
        wanted = kinship.matrix("cosine")[1, 1]
        assert f"cosine {wanted:.4f}" in terminal.status

    browse(family.folder, story, colour=colour)
