"""Code that a person wrote or changed is tried out as an agent's is, in real sandboxes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from speciate.archive.archive import Archive
from speciate.archive.drafts import Draft
from speciate.records import Individual
from speciate.review.editing import as_toml

Become = Callable[[str], None]


@pytest.fixture
def draft(waiting: Any, become: Become) -> Draft:
    code = {"source": waiting.source, "values": {}}
    recipe = waiting.recipe(operator="evolved", parameters=code)
    put: Draft = waiting.put(7, recipe, proposer="coder", trials={"cases": 12})
    return put


@pytest.fixture
def edited(waiting: Any, draft: Draft, cli: Any, tmp_path: Path) -> Callable[[str, str], Any]:
    """Edits the proposal by putting `new` in place of `old` in its text."""

    def run(old: str, new: str) -> Any:
        text = as_toml(draft.recipe, waiting.archive.individuals)
        assert old in text
        file = tmp_path / "edited.toml"
        file.write_text(text.replace(old, new))
        return cli("review", "edit", waiting.folder, 7, "--file", file)

    return run


def test_code_that_passes_its_trials_is_approved(
    waiting: Any, draft: Draft, edited: Callable[[str, str], Any]
) -> None:
    assert edited("models[0]", "(models[0] + models[-1]) / 2").status == 0
    found = waiting.archive.drafts.decision(7).recipe
    changed = waiting.source.replace("models[0]", "(models[0] + models[-1]) / 2")
    assert found.parameters["source"] == changed
    assert found.parents == draft.recipe.parents


@pytest.mark.parametrize(
    ("new", "complaint"),
    [
        ("open('/etc/passwd')", "proposal 7: evolved: source:"),
        ("models[0] * 2", "proposal 7: evolved: the trials of its code fail: "),
        ("models[", "proposal 7: evolved: source:"),
    ],
)
def test_code_that_does_not_is_told_and_not_recorded(
    waiting: Any, edited: Callable[[str, str], Any], new: str, complaint: str
) -> None:
    said = edited("models[0]", new)
    assert (said.status, said.err.count("\n")) == (2, 1)
    assert said.err.startswith(f"speciate: {complaint}")
    assert "nothing is recorded" in said.err
    assert waiting.archive.drafts.decision(7) is None


def test_who_has_no_sandbox_may_approve_but_not_edit(
    waiting: Any,
    draft: Draft,
    cli: Any,
    edited: Callable[[str, str], Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for name in ("git", "ssh-keygen"):
        (tmp_path / "bin").mkdir(exist_ok=True)
        found = next(
            Path(place, name) for place in ("/usr/bin", "/bin") if Path(place, name).exists()
        )
        (tmp_path / "bin" / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    said = edited("models[0]", "models[-1]")
    assert said.status == 1
    assert "sandbox" in said.err
    assert waiting.archive.drafts.decision(7) is None
    assert cli("review", "approve", waiting.folder, 7).status == 0


def test_code_is_compared_with_the_most_similar_code(waiting: Any, draft: Draft, cli: Any) -> None:
    with Archive.open(waiting.folder, writable=True) as archive:
        other = waiting.source.replace("Keep the first", "Keep the last").replace("[0]", "[-1]")
        far = '"""Another."""\n'
        born = [
            Individual(
                waiting.recipe(operator="evolved", parameters={"source": source}),
                "0" * 64,
                5,
                "coder",
                error="not scored",
            )
            for source in (other, far)
        ]
        archive.commit_step(replace(archive.state, step=5), born)
    out = cli("review", "show", waiting.folder, 7).out
    assert f"against {born[0].id[:10]}, the most similar" in out
    assert "\n-    return models[-1]\n+    return models[0]\n" in out
