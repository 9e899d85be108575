"""Strategies on real adapters, those that make recipes of their own; who cannot says so."""

import json
from pathlib import Path

import pytest

from speciate.archive.archive import Archive
from speciate.errors import ConfigError
from speciate.evaluator import Engine
from speciate.session import run

_FEW = "evaluations = 4\nlag = 3\n"
STRATEGIES = {
    "best_of": "evaluations = 6\nlag = 6",
    "cycle_qd": _FEW + 'qualities = ["english", "library"]\nmutation_rate = 0.5',
    "cma_es": "evaluations = 4\nsize = 4",
    "mixture": _FEW + 'parts = [{ type = "m2n2" }, { type = "novelty" }]',
}


def campaign(folder: Path, zoo: Path, adapters: Path, strategy: str, more: str) -> Path:
    models = json.dumps([str(adapters / name) for name in ("library", "english", "tests")])
    lines = [
        'name = "small"',
        f"founders = {{ base = {json.dumps(str(zoo / 'models' / 'base'))}, models = {models} }}",
        'engine = { type = "transformers", adapters = 3 }',
        "cluster = { workers = 0 }",
        f'[strategy]\ntype = "{strategy}"\npopulation = 3\n{more}',
    ]
    for task in ("english", "library"):
        lines.append(f'[[tasks]]\nname = "{task}"\nkind = "likelihood"')
        for split in ("search", "test"):
            items = (zoo / "tasks" / f"{task}.{split}.jsonl").read_text().splitlines()[:2]
            (folder / f"{task}.{split}.jsonl").write_text("\n".join(items))
            lines.append(f'{split} = "{task}.{split}.jsonl"')
    path = folder / "small.toml"
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize(
    "strategy",
    [
        pytest.param(name, marks=pytest.mark.nightly if name in ("best_of", "mixture") else ())
        for name in STRATEGIES
    ],
)
def test_runs_on_adapters(
    tmp_path: Path, zoo: Path, adapters: Path, transformers: Engine, strategy: str
) -> None:
    transformers.load(zoo / "models" / "base")
    path = campaign(tmp_path, zoo, adapters, strategy, STRATEGIES[strategy])
    run(path, tmp_path / "out", start=lambda *_: transformers)
    archive = Archive.open(tmp_path / "out")
    assert archive.report is not None
    children = [one for one in archive.individuals.values() if one.proposer.startswith(strategy)]
    assert children
    assert not [one.error for one in children if one.error]
    assert all(one.recipe.with_role("adapter") for one in children)


@pytest.mark.parametrize("strategy", ["dfs", "ps_dfs"])
def test_paths_through_blocks_need_models(
    tmp_path: Path, zoo: Path, adapters: Path, strategy: str
) -> None:
    path = campaign(tmp_path, zoo, adapters, strategy, "")
    with pytest.raises(ConfigError, match=f"{strategy} takes models apart, and .* is an adapter"):
        run(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
