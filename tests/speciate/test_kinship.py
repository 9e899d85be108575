"""Kinship of a real campaign's individuals: measured, remembered, shown, and used."""

import csv
import io
import json
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from speciate.archive.archive import Archive
from speciate.evaluator import Engine
from speciate.kinship import kinship
from speciate.kinship_cache import FILE, read_kinship
from speciate.naming import founder_ids
from speciate.population.weights import Checkpoint
from speciate.session import run

STRATEGY = """population = 3
generations = 2
patience = 2"""


def campaign(bench: Any, **settings: Any) -> Path:
    """A campaign of the strategy `kinship`."""
    settings.setdefault("strategy", STRATEGY)
    path: Path = bench.campaign(("english", "library", "headers"), **settings)
    path.write_text(path.read_text().replace('type = "genome"', 'type = "kinship"'))
    return path


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, zoo: Path, transformers: Engine) -> Path:
    """The folder of a finished campaign; the champions' weights alone are stored."""
    folder = tmp_path_factory.mktemp("kinship")
    tasks = ""
    for split, text in (("search", "one"), ("test", "two")):
        (folder / f"{split}.jsonl").write_text(json.dumps({"text": text}))
        tasks += f'{split} = "{split}.jsonl"\n'
    models = json.dumps([f"{zoo}/models/{name}" for name in ("english", "library", "headers")])
    (folder / "small.toml").write_text(f"""
        name = "small"
        cluster = {{ workers = 0 }}
        store = {{ keep = "champions" }}
        [founders]
        models = {models}
        base = "{zoo}/models/base"
        [engine]
        type = "transformers"
        [[tasks]]
        name = "t"
        kind = "likelihood"
        {tasks}
        [strategy]
        type = "kinship"
        {STRATEGY}
    """)
    run(folder / "small.toml", folder / "out", start=lambda *_: transformers)
    return folder / "out"


def _json(cli: Any, *words: object) -> Any:
    said = cli(*words, "--json")
    assert (said.status, said.err) == (0, "")
    return json.loads(said.out)


def vectors(zoo: Path, names: Any) -> np.ndarray[Any, Any]:
    def flat(name: str) -> torch.Tensor:
        model = Checkpoint(zoo / "models" / name)
        return torch.cat([model.tensor(n).double().ravel() for n in model.names])

    return torch.stack([flat(name) - flat("base") for name in names]).numpy()


def test_the_strategy_records_what_it_measured(finished: Path) -> None:
    archive = Archive.open(finished)
    assert archive.state is not None
    facts, members = archive.state.memory["kinship"], archive.state.members
    assert facts["ids"][: len(members)] == list(members)
    # Weights that are not stored are made again for it, to the last byte.
    matrix = kinship(archive, facts["ids"]).matrix("pearson")
    for row, values in enumerate(facts["below"]):
        np.testing.assert_allclose(values, matrix[row, :row], atol=1e-6)
    reasons = [one.reason for one in archive.individuals.values()]
    assert any(one.startswith("crossover of little kinship, ") for one in reasons)


def test_what_it_measured_is_shown_without_reading_weights(
    finished: Path, tmp_path: Path, cli: Any
) -> None:
    copy = shutil.copytree(finished, tmp_path / "copy")
    (copy / "local.json").unlink()
    shutil.rmtree(copy / "weights")
    found = _json(cli, "kinship", copy)
    archive = Archive.open(copy)
    assert archive.state is not None
    assert found["ids"][:3] == list(archive.state.members)
    assert {"english", "library", "headers"} <= set(found["labels"])
    (copy / FILE).unlink()
    said = cli("kinship", copy)
    assert said.status == 2
    assert re.match("speciate: founder '[a-z]+' is not known on this machine; ", said.err)


def test_founders_by_hand(finished: Path, zoo: Path, cli: Any) -> None:
    names = ("headers", "english")
    exact = np.corrcoef(vectors(zoo, names))
    found = _json(cli, "kinship", finished, *names, "--layers")
    assert found["labels"] == list(names)
    assert found["start"] == [founder_ids(Archive.open(finished))["base"]]
    np.testing.assert_allclose(found["matrix"], exact, atol=1e-9)
    assert sum(part["elements"] for part in found["parts"]) == found["elements"]
    assert {part["module"] for part in found["parts"]} >= {"attention", "mlp", "norm"}
    distances = _json(cli, "kinship", finished, *names, "--measure", "euclidean")["matrix"]
    rows = vectors(zoo, names)
    assert distances[0][1] == pytest.approx(np.linalg.norm(rows[0] - rows[1]), rel=1e-9)
    assert distances[1][1] == 0


def test_only_the_population_is_remembered(finished: Path, tmp_path: Path, cli: Any) -> None:
    copy = shutil.copytree(finished, tmp_path / "copy")
    (copy / FILE).unlink()
    assert cli("kinship", copy, "english", "library").status == 0
    assert read_kinship(copy) is None
    whole = cli("kinship", copy, "--csv")
    remembered = read_kinship(copy)
    assert remembered is not None
    assert cli("kinship", copy, "--csv").out == whole.out
    rows = list(csv.reader(io.StringIO(whole.out)))
    assert rows[0][1:] == [row[0] for row in rows[1:]] == list(remembered.ids)
    np.testing.assert_array_equal(
        [[float(value) for value in row[1:]] for row in rows[1:]], remembered.matrix("pearson")
    )
    assert not [path for path in copy.iterdir() if path.name.startswith(".scratch")]


def test_any_number_of_jobs_gives_the_same(finished: Path) -> None:
    archive, names = Archive.open(finished), ("headers", "english")
    ids = [founder_ids(archive)[name] for name in names]
    one, two = (kinship(archive, ids, by_part=True, jobs=jobs) for jobs in (1, 3))
    assert one.moments.products.tobytes() == two.moments.products.tobytes()


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 spoilt", b"\x93NUMPY"])
def test_a_spoilt_memory_is_none(finished: Path, tmp_path: Path, data: bytes) -> None:
    (tmp_path / FILE).write_bytes(data)
    assert read_kinship(tmp_path) is None
    whole = (finished / FILE).read_bytes()
    for length in range(0, len(whole), 97):
        (tmp_path / FILE).write_bytes(whole[:length])
        assert read_kinship(tmp_path) is None
    assert read_kinship(finished) is not None


def test_no_code_is_taken_from_what_is_remembered(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "sprung"),)

    data: dict[str, Any] = {"ids": np.array([Trap()]), "count": 1, "sums": 1, "products": 1}
    np.savez(tmp_path / FILE, **data, allow_pickle=True)
    assert read_kinship(tmp_path) is None
    assert not (tmp_path / "sprung").exists()


def test_people_see_it(finished: Path, cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    said = cli("kinship", finished, "--layers").out.splitlines()
    count = len(kinship(Archive.open(finished)).ids)
    assert said[0] == f"Kinship (pearson) of {count} individuals: weights less base"
    [english] = [line.split() for line in said if " english " in line and line[0].isdigit()]
    assert english[1 + int(english[0])] == "1.000"
    assert any(line.startswith("most akin: ") for line in said)
    assert any(line.startswith("outside") for line in said)
    drawn = cli("kinship", finished, "--plot").out
    assert "████" in drawn
    assert "1.000" not in drawn


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("base", "english"), "base is the base, from which kinship is measured; leave it out"),
        (("english",), "kinship is between two individuals or more; give others, or none"),
        (("english", "nobody"), "no individual begins with 'nobody'; "),
        (("english", "library", "--csv", "--json"), "--csv, --json and --plot exclude each other"),
    ],
)
def test_what_cannot_be_compared(finished: Path, cli: Any, words: Any, said: str) -> None:
    found = cli("kinship", finished, *words)
    assert found.status == 2
    assert found.err.startswith(f"speciate: {said}")


class StoppedError(Exception):
    """A step is archived, and nothing more."""


class Stopping:
    """A view that ends its campaign after the first step."""

    def __init__(self, _: Any) -> None: ...

    def candidate(self, done: int, total: int) -> None: ...

    def step(self, *_: Any) -> None:
        raise StoppedError

    def engine(self, *_: Any) -> None: ...

    def note(self, text: str) -> None: ...


def test_without_a_base_and_after_a_kill(bench: Any, transformers: Engine) -> None:
    """A campaign that is stopped after each step, whose weights are lost, takes the same course."""
    path = campaign(bench, more="[store]\nkeep = 'living'")
    text = path.read_text()
    path.write_text("\n".join(line for line in text.splitlines() if "base = " not in line))
    run(path, bench.folder / "whole", start=lambda *_: transformers)
    whole = Archive.open(bench.folder / "whole")
    assert whole.config["founders"]["base"] is None
    parts = bench.folder / "parts"
    for _ in whole.steps():
        with suppress(StoppedError):
            run(path, parts, (), Stopping, start=lambda *_: transformers)
            break
        shutil.rmtree(parts / "weights", ignore_errors=True)
        (parts / FILE).unlink(missing_ok=True)
    assert Archive.open(parts).head == whole.head


def test_of_adapters(bench: Any, adapters: Path, transformers: Engine, cli: Any) -> None:
    path = campaign(bench, strategy=STRATEGY)
    models = json.dumps([str(adapters / name) for name in ("english", "library", "headers")])
    text = path.read_text()
    [old] = [line for line in text.splitlines() if line.strip().startswith("models = ")]
    path.write_text(text.replace(old, f"models = {models}"))
    run(path, bench.folder / "out", start=lambda *_: transformers)
    found = _json(cli, "kinship", bench.folder / "out", "--layers", "--measure", "cosine")
    assert {"english", "library", "headers"} <= set(found["labels"])
    assert {part["module"] for part in found["parts"]} == {"attention", "mlp"}
    said = cli("diff", bench.folder / "out", "english", found["ids"][0])
    assert "weights: distance" in said.out
    said = cli("diff", bench.folder / "out", "english", "base", "--weights")
    assert said.err.startswith("speciate: an adapter has no weights in common with its base")
