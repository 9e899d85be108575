"""What commands tell of agents, of a finished campaign of a whole team."""

import json
from pathlib import Path
from typing import Any

import pytest

from speciate.archive.archive import Archive
from speciate.counsel.journal import Answer, Entry, Journal
from speciate.evaluator import Engine
from speciate.records import Individual
from speciate.session import run

EVOLVED = "evolved"


def _json(cli: Any, *words: object) -> Any:
    said = cli(*words, "--json")
    assert (said.status, said.err) == (0, "")
    return json.loads(said.out)


def _first(archive: Archive, operator: str) -> Individual:
    known = archive.individuals.values()
    return next(one for one in known if one.origin and one.recipe.operator == operator)


def test_arms_and_what_they_cost(cli: Any, team_archive: Archive) -> None:
    found = _json(cli, "agents", team_archive.folder)
    arms = {one["arm"]: one for one in found["arms"]}
    assert next(iter(arms)) == "strategy"
    assert {"breeder@local:averaging", "coder@local:full"} < arms.keys()
    born = [one for one in team_archive.individuals.values() if one.origin]
    assert (
        found["proposals"]
        == len(born)
        == sum(one["born"] for name, one in arms.items() if name != "strategy")
    )
    assert found["of"] == sum(one["born"] for one in arms.values()) == 20
    breeder = arms["breeder@local:averaging"]
    assert breeder["failed"] >= 1
    assert breeder["tokens"] > 0 == arms["strategy"]["tokens"]
    # Each reply takes 110 tokens, and 0.12 by the prices.
    spent = found["spent"]
    assert spent["tokens"] == spent["replies"] * 110
    assert spent["money"] == pytest.approx(spent["replies"] * 0.12)
    assert found["waiting"] == len(team_archive.drafts.waiting()) >= 1
    assert {one["arm"] for one in found["predictions"]} <= arms.keys()
    assert found["insights"] == ["Less is more."]
    assert found["recommendations"] == ["Try headers."]


def test_the_table_tells_the_same_and_obeys_nobody(cli: Any, team_archive: Archive) -> None:
    said = cli("agents", team_archive.folder)
    assert said.status == 0
    assert "breeder@local:averaging" in said.out
    assert "Less is more." in said.out
    assert "agents.pinned" in said.out
    assert "\x1b" not in said.out


def test_a_version_of_a_prompt(cli: Any, team_archive: Archive) -> None:
    prompts = _json(cli, "agents", team_archive.folder)["prompts"]
    child = next(one for one in prompts if one["parent"])
    parent = next(one for one in prompts if one["name"] == child["parent"])
    assert (parent["shipped"], child["shipped"], child["role"]) == (True, False, "breeder")
    told = _json(cli, "agents", team_archive.folder, "--prompt", child["name"][:6])
    assert told["template"].startswith("Think twice.\n")
    assert "+Think twice." in told["diff"]
    assert len([one for one in told["diff"] if one[0] in "+-"]) == 1
    assert _json(cli, "agents", team_archive.folder, "--prompt", parent["name"])["diff"] is None
    said = cli("agents", team_archive.folder, "--prompt", child["name"])
    assert f"Against {parent['name']}" in said.out
    said = cli("agents", team_archive.folder, "--prompt", "zz")
    assert said.status == 2
    assert "'zz' is no version of a prompt: " in said.err


def test_conversations(cli: Any, team_archive: Archive) -> None:
    origin = _first(team_archive, "linear").origin
    assert origin
    told = _json(cli, "agents", team_archive.folder, origin.talk[:10])
    assert told["digest"] == origin.talk
    assert [one["role"] for one in told["messages"]] == ["system", "user", "assistant"]
    said = cli("agents", team_archive.folder, origin.talk)
    assert "Propose one new model" in said.out
    for text in ("zz", ""):
        said = cli("agents", team_archive.folder, text)
        assert said.status == 2
        assert f"no conversation begins with '{text}'" in said.err
    both = cli("agents", team_archive.folder, origin.talk, "--prompt", "a")
    assert (both.status, both.err) == (2, "speciate: give a conversation or --prompt, not both\n")


def test_nonsense_is_shown_and_not_obeyed(cli: Any, team_archive: Archive) -> None:
    refused = _json(cli, "agents", team_archive.folder)["refusals"]
    assert 1 <= len(refused) <= 5
    talks = [one.talk for _, one in Journal.of(team_archive.folder).answers() if one.error]
    told = [_json(cli, "agents", team_archive.folder, talk) for talk in talks]
    silly = next(one for one in told if "\x1b" in one["messages"][-1]["content"])
    said = cli("agents", team_archive.folder, silly["digest"])
    assert r"I \x1b[31mcannot\u202e" in said.out
    assert "\x1b" not in said.out


def test_a_conversation_that_was_changed(tmp_path: Path, cli: Any) -> None:
    journal = Journal.of(tmp_path)
    digest = journal.keep({"messages": [], "replies": 0})
    assert journal.talk(digest[:4])[0] == digest
    [file] = tmp_path.rglob(f"{digest}.json")
    file.write_text("{}")
    with pytest.raises(Exception, match="is damaged; restore it from a copy"):
        journal.talk(digest)
    journal.put(3, Entry(answers=(Answer("critic@x", None, "g", digest, 1, 2, 3.0),)))
    assert [(step, one.arm) for step, one in journal.answers()] == [(3, "critic@x")]


def test_status_has_a_line(cli: Any, team_archive: Archive) -> None:
    found = _json(cli, "status", team_archive.folder)["agents"]
    said = " ".join(cli("status", team_archive.folder).out.split())
    share = f"{found['proposals']} of 20 proposals ({found['proposals'] / 20:.0%})"
    assert f"agents: {share}, {found['waiting']} wait" in said
    assert f"{found['spent']['money']:.2f} spent" in said


def test_show_tells_where_a_recipe_comes_from(cli: Any, team_archive: Archive) -> None:
    one = _first(team_archive, "linear")
    assert one.origin
    assert _json(cli, "show", team_archive.folder, one.id)["origin"] == one.origin.to_json()
    said = cli("show", team_archive.folder, one.id).out
    assert f"breeder@local:averaging, prompt {one.origin.genome}" in said
    side = "high" if one.fitness < 0.25 else "low"
    assert f"0.2500, too {side} by {abs(one.fitness - 0.25):.4f}" in said
    assert one.origin.talk[:10] in said
    founder = team_archive.state and team_archive.individuals
    assert founder
    assert _json(cli, "show", team_archive.folder, next(iter(founder)))["origin"] is None


def test_sources_are_shown_where_one_asks_for_them(cli: Any, team_archive: Archive) -> None:
    one = _first(team_archive, EVOLVED)
    said = cli("show", team_archive.folder, one.id).out
    for line in one.recipe.parameters["source"].splitlines():
        assert line in said
    shown = _json(cli, "show", team_archive.folder, one.id)
    assert shown["recipe"]["parameters"]["source"] == one.recipe.parameters["source"]
    assert "import" not in shown["words"]
    for words in (("tree",), ("log",), ("lineage", one.id), ("best",), ("status",)):
        said = cli(words[0], team_archive.folder, *words[1:])
        assert said.status == 0
        assert "import numpy" not in said.out
    assert "evolved " in cli("log", team_archive.folder).out
    assert "import numpy" not in cli("best", team_archive.folder, "--json").out


def test_a_campaign_without_agents(
    cli: Any, campaign: Any, transformers: Engine, tmp_path: Path
) -> None:
    path = campaign("http://127.0.0.1:9/v1", strategy="evaluations = 1")
    path.write_text(path.read_text().split("[agents]")[0])
    run(path, tmp_path / "out", start=lambda *_: transformers)
    assert "proposals" not in cli("status", tmp_path / "out").out
    assert _json(cli, "status", tmp_path / "out")["agents"] is None
    said = cli("agents", tmp_path / "out")
    assert said.status == 2
    assert "is a campaign without agents; see docs/agents.md" in said.err
