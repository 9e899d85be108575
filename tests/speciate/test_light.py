"""What people type often does not import what takes long."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HEAVY = ("torch", "transformers", "scipy", "numpy", "vllm", "ray", "openai", "textual", "plotly")
CODE = """
import sys
from speciate.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(sorted(set(sys.modules) & set(sys.argv[0].split(","))), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "words",
    [
        ["log", "DIR", "--task", "quiz", "--min-score", "0", "--where", "children > 0"],
        ["show", "DIR", "alpha"],
        ["lineage", "DIR", "alpha"],
        ["tree", "DIR"],
        ["status", "DIR"],
        ["best", "DIR"],
        ["review", "list", "DIR"],
        ["--help"],
    ],
    ids=lambda words: words[0],
)
def test_light_commands(family: Any, tmp_path: Path, words: list[str]) -> None:
    named = [str(family.folder) if word == "DIR" else word for word in words]
    code = CODE.replace("sys.argv[0].split", f"{','.join(HEAVY)!r}.split")
    command = [sys.executable, "-c", code, *named]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert said.stderr == "[]\n"
    assert said.stdout


@pytest.mark.parametrize("module", ["speciate.records", "speciate.archive.archive"])
def test_light_modules(tmp_path: Path, module: str) -> None:
    code = f"import {module}, sys; print(sorted(set(sys.modules) & set({HEAVY!r})))"
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"
