"""`speciate report`: what it writes, and what it leaves alone."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speciate.archive.archive import Archive
from speciate.kinship_cache import write_kinship
from speciate.population.kinship.moments import Kinship, Moments
from speciate.records import Evaluation, Individual, Recipe, State


def test_it_tells_what_it_wrote(grown: Path, tmp_path: Path, cli: Any) -> None:
    out = tmp_path / "report.html"
    said = cli("report", grown, out)
    assert f"{out}:122of122individuals" in "".join(said.out.split())
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    told = json.loads(cli("report", grown, out, "--json").out)
    assert told == {
        "path": str(out),
        "bytes": out.stat().st_size,
        "individuals": 122,
        "shown": 122,
        "groups": 0,
        "figures": [],
    }


def test_figures_are_written_and_are_the_same_each_time(
    grown: Path, tmp_path: Path, cli: Any
) -> None:
    for name in ("one", "other"):
        out = tmp_path / f"{name}.html"
        told = json.loads(cli("report", grown, out, "--figures", tmp_path / name, "--json").out)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "other.html").read_bytes()
    names = ("phylogeny", "fitness", "tasks", "pareto", "operators", "agents", "ancestry")
    wanted = {f"{name}.{kind}" for name in names for kind in ("svg", "png")}
    assert {Path(path).name for path in told["figures"]} == wanted
    for name in wanted:
        data = (tmp_path / "one" / name).read_bytes()
        assert data == (tmp_path / "other" / name).read_bytes()
        if name.endswith("png"):
            assert data.startswith(b"\x89PNG")
        else:
            assert b"<script" not in data
            assert b"<img" not in data


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("missing/report.html", "is not a folder; make it first"),
        (".", "is a folder; give a file"),
        ("letter.html", "no report of ours; use --force"),
    ],
)
def test_what_cannot_be_written_is_told_before_anything_is_read(
    grown: Path, tmp_path: Path, cli: Any, place: str, words: str
) -> None:
    (tmp_path / "letter.html").write_text("<!doctype html>\nDear Ada")
    said = cli("report", grown, tmp_path / place)
    assert (said.status, said.err.count("\n"), said.out) == (2, 1, "")
    assert words in said.err
    assert (tmp_path / "letter.html").read_text().endswith("Dear Ada")


def test_force_replaces_any_file(grown: Path, tmp_path: Path, cli: Any) -> None:
    out = tmp_path / "letter.html"
    out.write_text("Dear Ada")
    assert cli("report", grown, out, "--force").status == 0
    assert "Dear Ada" not in out.read_text()


def test_kinship_is_shown_where_it_was_measured(ended: Path, tmp_path: Path, cli: Any) -> None:
    folder = shutil.copytree(ended, tmp_path / "campaign")
    ids = tuple(Archive.open(folder).individuals)
    products = np.array([[1.0, 0.6, 0.0], [0.6, 1.0, -0.5], [0.0, -0.5, 1.0]])
    for names, shown in (((*ids[:2], "a stranger"), True), (("a", "b", "c"), False)):
        write_kinship(folder, Kinship(names, Moments(9, np.zeros(3), products)))
        assert cli("report", folder, tmp_path / "r.html").status == 0
        html = (tmp_path / "r.html").read_text()
        assert ('id="figure-kinship"' in html) == shown
        assert ('"texts":[["1.00","0.60"],["0.60","1.00"]]' in html) == shown
        assert "a stranger" not in html


def test_founders_alone_have_a_report(tmp_path: Path, cli: Any) -> None:
    recipe = Recipe("founder", (), {"name": "a", "digest": "a"}, 0)
    founder = Individual(recipe, "0" * 64, 0, "founder", evaluation=Evaluation(0.5, {}, "engine"))
    with Archive.create(tmp_path / "campaign", {}) as archive:
        archive.commit_step(State(0, 0, (founder.id,)), [founder])
    assert cli("report", tmp_path / "campaign", tmp_path / "r.html").status == 0
    html = (tmp_path / "r.html").read_text()
    assert "All 1 individuals are shown." in html
    assert 'id="figure-operators"' not in html


def test_there_is_no_report_before_anybody_was_scored(tmp_path: Path, cli: Any) -> None:
    assert "is not an archive" in cli("report", tmp_path, tmp_path / "r.html").err
    failed = Individual(Recipe("founder", (), {"name": "a", "digest": "a"}, 0), None, 0, "founder")
    with Archive.create(tmp_path / "campaign", {"name": "empty"}) as archive:
        for step, born in ((0, []), (1, [failed])):
            archive.commit_step(State(step, 0, ()), born)
            said = cli("report", tmp_path / "campaign", tmp_path / "r.html")
            assert said.status == 2
            assert "nobody has been scored yet" in said.err
    assert not (tmp_path / "r.html").exists()
