"""The command line as a user meets it, in this process, and small campaigns to give it."""

import hashlib
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest

from speciate.archive.archive import Archive
from speciate.cli import main
from speciate.evaluator import Engine
from speciate.records import Evaluation, Individual, Origin, Parent, Recipe, Score, State
from speciate.session import run as run_campaign


@dataclass(frozen=True)
class Said:
    """What a command left behind on the terminal."""

    status: object
    out: str
    err: str


Cli: TypeAlias = Callable[..., Said]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs `speciate` with arguments."""

    def run(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["speciate", *map(str, arguments)])
        capsys.readouterr()
        status: object = 0
        try:
            main()
        except SystemExit as end:
            status = end.code
        return Said(status, *capsys.readouterr())

    return run


def files(folder: Path) -> dict[str, str]:
    """Every path below a folder, with a digest of what files hold."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else "folder"
        for path in folder.rglob("*")
    }


class Bench:
    """A folder to put campaigns, models and tasks in, and what the command line says of them."""

    def __init__(self, folder: Path, zoo: Path, cli: Cli) -> None:
        self.folder = folder
        self.zoo = zoo
        self._cli = cli

    def model(self, name: str, source: str = "english") -> Path:
        """A copy of one of the zoo's models, to be damaged."""
        return shutil.copytree(self.zoo / "models" / source, self.folder / name)

    def task(self, *items: object, kind: str = "likelihood", more: str = "") -> str:
        """TOML of a task with these items; text is put in as it is."""
        lines = [item if isinstance(item, str) else json.dumps(item) for item in items]
        (self.folder / "t.jsonl").write_text("".join(f"{line}\n" for line in lines))
        held_out = {
            "likelihood": '{"text": "held out"}',
            "multiple_choice": '{"prompt": "held", "choices": ["in", "out"], "answer": 1}',
            "exact_match": '{"prompt": "held", "answer": "out"}',
        }
        (self.folder / "u.jsonl").write_text(held_out.get(kind, "{}"))
        return f'name = "t"\nkind = "{kind}"\nsearch = "t.jsonl"\ntest = "u.jsonl"\n{more}'

    def campaign(
        self,
        models: Sequence[str | Path] = ("english", "library"),
        *,
        task: str | None = None,
        strategy: str = "population = 2\ngenerations = 1",
        more: str = "",
    ) -> Path:
        """A campaign file; only what a test is about needs to be said."""
        paths = [str(self.zoo / "models" / model) for model in models]
        text = f"""
            name = "small"
            cluster = {{ workers = 0 }}
            [founders]
            models = {json.dumps(paths)}
            base = "{self.zoo}/models/base"
            [engine]
            type = "transformers"
            {more}
            [[tasks]]
            {task or self.task({"text": "one"}, {"text": "two"})}
            [strategy]
            type = "genome"
            {strategy}
        """
        path = self.folder / "small.toml"
        path.write_text(text)
        return path

    def refused(self, *arguments: object) -> str:
        """The one line that a command prints which changes nothing on disk and ends with 2."""
        before = files(self.folder)
        said = self._cli(*arguments)
        assert said.status == 2, said
        # Errors that only show while merging come after its progress.
        [line] = [one for one in said.err.splitlines() if not one.startswith("merging ")]
        assert line.startswith("speciate: ")
        assert files(self.folder) == before
        return line.removeprefix("speciate: ")

    def refused_run(self, config: Path, *options: object) -> str:
        """What `speciate run` says of a campaign whose folder, two deep, is not there yet."""
        return self.refused("run", config, "--out", self.folder / "runs" / "one", *options)


@pytest.fixture
def bench(tmp_path: Path, zoo: Path, cli: Cli) -> Bench:
    return Bench(tmp_path, zoo, cli)


@pytest.fixture(scope="session")
def two_tasks(zoo: Path) -> Callable[..., Path]:
    """Makes a campaign of few children, with four items of each of two tasks."""

    one_by_one = 'type = "steady_state"\nevaluations = 5\nlag = 2\nsigma = 0.001'

    def make(folder: Path, more: str, strategy: str = one_by_one) -> Path:
        lines = [
            f'name = "small"\n[founders]\nbase = "{zoo}/models/base"',
            f'models = ["{zoo}/models/english", "{zoo}/models/library"]',
            '[engine]\ntype = "transformers"\n[cluster]\nworkers = 0\n[store]\ndtype = "float32"',
            f"[strategy]\npopulation = 3\n{strategy}",
            more,
        ]
        for task in ("english", "library"):
            lines.append(f'[[tasks]]\nname = "{task}"\nkind = "likelihood"')
            for split in ("search", "test"):
                items = (zoo / "tasks" / f"{task}.{split}.jsonl").read_text().splitlines()[:4]
                (folder / f"{task}.{split}.jsonl").write_text("\n".join(items))
                lines.append(f'{split} = "{task}.{split}.jsonl"')
        path = folder / "small.toml"
        path.write_text("\n".join(lines))
        return path

    return make


_FINISHED = """
name = "small"
[founders]
base = "{zoo}/models/base"
models = ["{zoo}/models/library", "{zoo}/models/tests", "{zoo}/models/english"]
[engine]
type = "transformers"
[strategy]
type = "genome"
generations = 2
population = 3
crossover_rate = 1.0
crossover = [{{ operator = "ties" }}, {{ operator = "slerp" }}]
[[tasks]]
name = "library"
kind = "likelihood"
search = "search.jsonl"
test = "test.jsonl"
"""


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, zoo: Path, transformers: Engine) -> Path:
    """The folder of a small finished campaign, only to be read."""
    folder = tmp_path_factory.mktemp("evolved")
    for split in ("search", "test"):
        lines = (zoo / "tasks" / f"library.{split}.jsonl").read_text().splitlines()[:6]
        (folder / f"{split}.jsonl").write_text("\n".join(lines))
    (folder / "small.toml").write_text(_FINISHED.format(zoo=zoo))
    run_campaign(folder / "small.toml", folder / "out", start=lambda *_: transformers)
    return folder / "out"


@pytest.fixture
def evolved(finished: Path, tmp_path: Path) -> Path:
    """The folder of a small finished campaign, to be damaged."""
    return shutil.copytree(finished, tmp_path / "evolved")


TASKS = [
    {"name": "quiz", "kind": "multiple_choice", "search": "q.jsonl"},
    {"name": "prose", "kind": "likelihood", "search": "p.jsonl"},
]
EVIL = "</b>[red]\x1b[31m\u202e"


class Family:
    """A small archive: who is who by name.

    alpha - chain 1 ... chain 6 - mix - tip, where mix crosses alpha's line with beta, on base beta;
    coded is an agent's, lost failed; tip and coded live. The stranger has a bad name.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ids: dict[str, str] = {}
        self._born: list[Individual] = []
        with Archive.create(folder, {"name": "family", "tasks": TASKS}) as archive:
            for who, name in (("alpha", "alpha"), ("beta", "beta"), ("stranger", EVIL)):
                self._add(who, Recipe("founder", (), {"name": name, "digest": "0" * 64}, 0), 0)
            self._step(archive, 0, ["alpha", "beta"])
            above = "alpha"
            for number in range(1, 7):
                parents = (Parent(self.ids[above], "parent"),)
                above = f"chain {number}"
                self._add(above, Recipe("gaussian", parents, NOISE, number), number)
                self._step(archive, number, [above, "beta"])
            roles = (("beta", "base"), (above, "model"), ("stranger", "model"), ("beta", "model"))
            parents = tuple(Parent(self.ids[who], role) for who, role in roles)
            self._add("mix", Recipe("ties", parents, {"weights": [0.5, 0.3, 0.2]}, 7), 7)
            self._add("lost", Recipe("linear", parents[1:3], {"weights": [2, 1]}, 8), 7)
            self._step(archive, 7, ["mix", "beta"])
            made = Recipe("evolved", (parents[1], parents[2]), {"source": "x = 1", "values": {}}, 9)
            arm = Origin("coder@local/evolved", "g", "t" * 64, 0.5, "Ada <ada@example.org>")
            self._add("coded", made, 8, arm)
            tip = Recipe("gaussian", (Parent(self.ids["mix"], "parent"),), NOISE, 10)
            self._add("tip", tip, 8)
            self._step(archive, 8, ["tip", "coded"])
            assert archive.index.count() == len(self.ids)

    def __getitem__(self, name: str) -> str:
        return self.ids[name]

    def _add(self, name: str, recipe: Recipe, step: int, origin: Origin | None = None) -> None:
        self.ids[name] = recipe.id
        place, who = len(self.ids), "agents" if origin else EVIL
        if name == "lost":
            self._born.append(Individual(recipe, None, step, who, EVIL, None, f"a\n{EVIL}"))
            return
        right = tuple(float(item < place) for item in range(16))
        scores = {"quiz": Score("accuracy", right), "prose": Score("bits/char", (3 - place / 8,))}
        scored = Evaluation(place / 16, scores, "engine")
        one = Individual(recipe, f"{place:064x}", step, who, EVIL, scored, origin=origin)
        self._born.append(one)

    def _step(self, archive: Archive, step: int, living: Sequence[str]) -> None:
        members = tuple(self.ids[name] for name in living)
        archive.commit_step(State(step, 0, members), self._born)
        self._born.clear()


NOISE = {"sigma": 0.1, "density": 0.5}


@pytest.fixture(scope="session")
def family(tmp_path_factory: pytest.TempPathFactory) -> Family:
    return Family(tmp_path_factory.mktemp("family") / "out")
