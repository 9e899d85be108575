"""Bad sections of agents: one line says what, where and what to do, before anything starts."""

from pathlib import Path
from typing import Any

import pytest

from speciate.configs.campaign import load
from speciate.counsel.offers import suited

ENDPOINT = '[[agents.endpoints]]\nmodel = "m"\nbase_url = "http://127.0.0.1:9/v1"\n'
WITHOUT_BASE = "its operators need a base model; set founders.base, or leave it out"


def campaign(bench: Any, agents: str = "", endpoint: str = "", **more: Any) -> Path:
    """A campaign with agents whose endpoint nobody can reach: nobody is to try."""
    path: Path = bench.campaign(**more)
    path.write_text(f"{path.read_text()}\n[agents]\n{agents}\n{ENDPOINT}{endpoint}\n")
    return path


def without_base(path: Path) -> Path:
    path.write_text("".join(line for line in path.open() if "base = " not in line))
    return path


@pytest.mark.parametrize(
    ("agents", "endpoint", "said"),
    [
        ("", 'roles = ["breder"]', "agents.endpoints.0.roles.0: unknown value 'breder'; did you "),
        ('families = ["tis"]', "", "agents.families.0: unknown value 'tis'; known: "),
        ("budgt = {}", "", "agents: unknown key 'budgt'; did you mean 'budget'?"),
        ("", ENDPOINT, "agents: two endpoints are called 'm'; give each its own name"),
        ("", 'name = "a@b"', "agents: an endpoint cannot be called 'a@b'; give it a plain name"),
        ("", 'roles = ["critic"]', "agents: nobody proposes anything: give an endpoint the role"),
        ("budget.cost = 2", "", "agents: a budget of cost needs prices: set them for an endpoint"),
        ("", 'api_key_env = "sk-1234"', "agents.endpoints.0.api_key_env: this is no name of an "),
        ("review.recipe.mode = 1", "", "agents.review.recipe.mode: input should be 'auto', "),
        ("tries = 0", "", "agents.tries: input should be greater than or equal to 1"),
    ],
)
def test_a_section_with_a_slip(bench: Any, agents: str, endpoint: str, said: str) -> None:
    path = campaign(bench, agents, endpoint)
    line = bench.refused_run(path)
    assert line.startswith(f"{path}: {said}")
    assert "sk-1234" not in line


def test_no_endpoints(bench: Any) -> None:
    path = bench.campaign()
    path.write_text(f"{path.read_text()}\n[agents]\n")
    assert bench.refused_run(path) == f"{path}: agents.endpoints: field required"


def test_a_key_that_is_not_there(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    path = campaign(bench, endpoint='api_key_env = "NO_SUCH_KEY"')
    assert bench.refused_run(path) == (
        "endpoint 'm': environment variable NO_SUCH_KEY is not set; put the API key into it, or "
        "correct api_key_env"
    )


def test_a_coder_without_a_sandbox(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(bench.folder))
    line = bench.refused_run(campaign(bench, endpoint='roles = ["coder"]'))
    assert line.startswith("agents.endpoints: a coder's operators need a sandbox: ")
    assert "bubblewrap" in line


def test_a_replay_of_nothing(bench: Any) -> None:
    other = bench.folder / "other"
    line = bench.refused_run(campaign(bench), "--replay", other)
    said = "has no journal of agents; give --replay the folder of a campaign in which agents took"
    assert line == f"{other} {said} part"


def test_a_replay_without_agents(bench: Any) -> None:
    line = bench.refused_run(bench.campaign(), "--replay", bench.folder)
    assert line == "the campaign has no agents and no islands to replay; run it without --replay"


def test_families_that_need_a_base(bench: Any) -> None:
    path = without_base(campaign(bench, 'families = ["averaging", "task_vectors"]'))
    line = bench.refused_run(path)
    assert line == f"agents.families: nothing of 'task_vectors' is on offer: {WITHOUT_BASE}"


def test_families_suit_the_founders_if_none_is_named(bench: Any) -> None:
    agents = suited(load(without_base(campaign(bench)))).agents
    assert agents
    assert agents.families == ("averaging", "mutation")


def test_a_family_of_adapters_for_models(bench: Any) -> None:
    line = bench.refused_run(campaign(bench, 'families = ["adapters"]'))
    said = "nothing of 'adapters' is on offer: the founders are models; leave it out"
    assert line == f"agents.families: {said}"


def test_agents_for_models_in_a_campaign_of_adapters(bench: Any, adapters: Path) -> None:
    pair = [adapters / "library", adapters / "english"]
    line = bench.refused_run(campaign(bench, 'families = ["averaging"]', models=pair))
    said = "nothing of 'averaging' is on offer: the founders are adapters; use \"adapters\""
    assert line == f"agents.families: {said}"
    line = bench.refused_run(campaign(bench, endpoint='roles = ["coder"]', models=pair))
    said = "coders write operators on models, and the founders are adapters; leave the role out"
    assert line == f"agents.endpoints: {said}"


def test_a_version_of_a_prompt_that_is_not_there(bench: Any) -> None:
    line = bench.refused_run(campaign(bench, 'pinned = ["0123456789"]'))
    assert line.startswith("agents.pinned: no prompt has a version '0123456789'; known: ")
