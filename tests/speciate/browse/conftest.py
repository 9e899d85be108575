"""A campaign to browse, grown step by step, and a browser on a terminal of any size."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from textual.pilot import Pilot

from speciate.archive.archive import Archive
from speciate.browse import news
from speciate.browse.app import Browser
from speciate.browse.lines import Lines
from speciate.records import Evaluation, Individual, Origin, Parent, Recipe, Score, State

CONFIG = {
    "name": "breeding",
    "tasks": [
        {"name": "sums", "kind": "multiple_choice", "search": "s.jsonl"},
        {"name": "prose", "kind": "likelihood", "search": "p.jsonl"},
    ],
}
LIVING = 4


class Grown:
    """An archive that this process writes: founders first, then a child or two a step."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if Archive.is_archive(folder):
            self.archive = Archive.open(folder, writable=True)
        else:
            self.archive = Archive.create(folder, CONFIG)
        state = self.archive.state
        self.born: list[Individual] = list(self.archive.individuals.values())
        self._alive: list[str] = list(state.members) if state else []
        self._step = state.step + 1 if state else 0

    def commit(self, *born: Individual) -> None:
        self.born += born
        self._alive = [*[one.id for one in born if one.evaluation], *self._alive][:LIVING]
        self.archive.commit_step(State(self._step, len(self.born), tuple(self._alive)), born)
        self._step += 1

    def founders(self, *names: str) -> None:
        self.commit(*(self._founder(name, place) for place, name in enumerate(names)))

    def breed(self, *parents: int, failed: bool = False, **more: Any) -> Individual:
        """A step with one child of those of these numbers, from 1."""
        self.commit(child := self.child(*parents, failed=failed, **more))
        return child

    def child(self, *parents: int, failed: bool = False, **more: Any) -> Individual:
        kin = tuple(Parent(self.born[number - 1].id, "model") for number in parents)
        weights = {"weights": [1 / len(kin)] * len(kin)}
        seed = more.pop("seed", len(self.born))
        recipe = Recipe(more.pop("operator", "linear"), kin, weights, seed)
        said = {"proposer": "evolution", "reason": "crossover", **more}
        if failed:
            said = {"error": "shapes differ", **said}
            return Individual(recipe, None, self._step, **said)
        return Individual(recipe, recipe.id, self._step, evaluation=self._scores(), **said)

    def dead(self, number: int) -> Individual:
        """One of the first that could not be scored."""
        recipe = Recipe("founder", (), {"name": f"lost {number}", "digest": "0" * 64}, 0)
        return Individual(recipe, None, 0, "founder", error="no such file")

    def _founder(self, name: str, place: int) -> Individual:
        digest = f"{place:064x}"
        recipe = Recipe("founder", (), {"name": name, "digest": digest}, 0)
        number = len(self.born) + place
        return Individual(recipe, digest, 0, "founder", evaluation=self._scores(number))

    def _scores(self, number: int | None = None) -> Evaluation:
        """Each is a little better than those before."""
        count = len(self.born) if number is None else number
        right = tuple(float((item * 7) % 12 <= count) for item in range(12))
        bits = tuple(3.0 - 0.1 * count + 0.01 * item for item in range(12))
        scores = {"sums": Score("accuracy", right), "prose": Score("bits/char", bits)}
        return Evaluation(scores["sums"].value, scores, "engine")


@pytest.fixture
def grown(tmp_path: Path) -> Iterator[Grown]:
    """Nothing is born yet."""
    made = Grown(tmp_path / "campaign")
    yield made
    made.archive.close()


@pytest.fixture(scope="session")
def read_only(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grown]:
    """Three founders and five children, by number: 1 2 3, 4 of 1 2, 5 of 4 3, 6 of 4, ..."""
    grown = Grown(tmp_path_factory.mktemp("family") / "campaign")
    grown.founders("maths", "code", "chat")
    grown.breed(1, 2)
    grown.breed(4, 3, operator="ties")
    origin = Origin("breeder@local/linear", "first", "7" * 64, 0.625, "Ada <ada@example.org>")
    grown.breed(4, proposer="breeder", reason="the halves complement each other", origin=origin)
    grown.breed(5, 6, failed=True)
    grown.breed(5, 6)
    yield grown
    grown.archive.close()


@pytest.fixture
def family(tmp_path: Path, read_only: Grown) -> Iterator[Grown]:
    """A copy of it that may grow."""
    folder = tmp_path / "family"
    shutil.copytree(read_only.folder, folder, ignore=shutil.ignore_patterns("lock", "index.*"))
    made = Grown(folder)
    yield made
    made.archive.close()


class Terminal:
    """A browser, the keys pressed in it, and what is seen."""

    def __init__(self, app: Browser, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot

    @property
    def lines(self) -> list[str]:
        strips = self.app.screen._compositor.render_strips()
        return [strip.text.rstrip() for strip in strips]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def status(self) -> str:
        """The line above the keys."""
        return self.lines[-2].strip()

    @property
    def said(self) -> str:
        """All that is on the screen, in one line."""
        return " ".join(self.text.split())

    @property
    def cursor(self) -> str:
        """The line of the list that is seen on which the cursor stands."""
        listed = next(one for one in self.app.query(Lines) if one.has_focus)
        return listed.drawn(listed.cursor).plain

    async def press(self, *keys: str) -> None:
        """Presses keys, and waits for what they cause."""
        await self.pilot.press(*keys)
        await self.settle()

    async def type(self, text: str) -> None:
        names = {" ": "space", ">": "greater_than_sign", "=": "equals_sign", "<": "less_than_sign"}
        await self.pilot.press(*[names.get(sign, sign) for sign in text])
        await self.pilot.pause(0.2)
        await self.settle()

    async def settle(self) -> None:
        await self.pilot.pause(0.02)
        await self.app.workers.wait_for_complete()
        await self.pilot.pause()

    async def until(self, true: Callable[[], bool]) -> None:
        """Waits for something to be so."""
        for _ in range(500):
            if true():
                return
            await self.pilot.pause(0.02)
        raise AssertionError(f"it does not come:\n{self.text}")


Story: TypeAlias = Callable[[Terminal], Awaitable[None]]


@pytest.fixture
def browse(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Opens a folder in a terminal and lets a story happen in it."""
    monkeypatch.setattr(news, "EVERY_S", 0.05)
    monkeypatch.delenv("NO_COLOR", raising=False)

    def run(
        folder: Path, story: Story, size: tuple[int, int] = (80, 24), colour: bool = True
    ) -> None:
        if not colour:
            monkeypatch.setenv("NO_COLOR", "1")

        async def told() -> None:
            app = Browser(Archive.open(folder))
            async with app.run_test(size=size) as pilot:
                terminal = Terminal(app, pilot)
                await terminal.until(lambda: "reading" not in terminal.lines[0])
                await terminal.settle()
                await story(terminal)

        asyncio.run(told())

    return run
