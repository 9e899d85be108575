"""Model cards and licences, from folders that strangers may have written."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from speciate.card import ancestors, hub_names, labels, model_card, plain
from speciate.licences import Licence, inherited, licence_of, warnings
from speciate.population.recipe_file import ParentPath, RecipeFile
from speciate.strangers import front_matter
from speciate.toml_text import recipe_toml


def folder(path: Path, readme: str | None = None, **files: str) -> Path:
    path.mkdir(parents=True)
    if readme is not None:
        (path / "README.md").write_text(readme)
    for name, text in files.items():
        (path / name.replace("_json", ".json")).write_text(text)
    return path


def card(*paths: Path, digest: str = "d" * 64, **fields: Any) -> str:
    parents = tuple(ParentPath(path=str(path)) for path in paths)
    file = RecipeFile(operator=fields.pop("operator", "linear"), parents=parents, **fields)
    found = ancestors(file)
    return model_card("out", file, found, dict.fromkeys(paths, "e" * 64), digest)


def front(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text.split("---\n")[1])
    return found


@pytest.mark.parametrize(
    ("readme", "expected"),
    [
        ("---\nlicense: MIT\n---\n", Licence("mit")),
        ("---\nlicense: other\nlicense_name: My-Licence\n---\n", Licence("other", "my-licence")),
        ("---\nlicense: [apache-2.0]\n---\n", Licence("apache-2.0")),
        ("---\nlicense: [mit, apache-2.0]\n---\n", Licence("other")),
        ("---\nlicense: '<script>alert(1)</script>'\n---\n", Licence("other")),
        ("---\nlicense: 3\n---\n", Licence("other")),
        ("---\nlicense: !!python/object/apply:os.system ['false']\n---\n", Licence()),
        ("---\nlicense: [" + "[" * 30_000 + "\n---\n", Licence()),
        ("---\nlicense: mit\n", Licence()),
        ("license: mit\n", Licence()),
        ("---\n- mit\n---\n", Licence()),
        ("", Licence()),
    ],
)
def test_licences_of_cards(tmp_path: Path, readme: str, expected: Licence) -> None:
    assert licence_of(folder(tmp_path / "m", readme)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SPDX-License-Identifier: BSD-3-Clause\n", "bsd-3-clause"),
        ("   Apache License\n  Version 2.0, January 2004\n", "apache-2.0"),
        ("Attribution-NonCommercial 4.0 International", "cc-by-nc-4.0"),
        ("LLAMA 3.1 COMMUNITY LICENSE AGREEMENT", "llama3.1"),
        ("All rights are mine.", "other"),
    ],
)
def test_licences_of_texts(tmp_path: Path, text: str, expected: str) -> None:
    assert licence_of(folder(tmp_path / "m", LICENSE=text)) == Licence(expected)


def test_cards_go_before_texts_and_these_before_configs(tmp_path: Path) -> None:
    one = folder(tmp_path / "m", config_json='{"license": "mit"}')
    assert licence_of(one) == Licence("mit")
    (one / "LICENSE").write_text("SPDX-License-Identifier: ISC")
    assert licence_of(one) == Licence("isc")
    (one / "README.md").write_text("---\nlicense: gemma\n---\n")
    assert licence_of(one) == Licence("gemma")


def test_aliases_do_not_grow(tmp_path: Path) -> None:
    """A page of YAML that would be billions of words if it were written out."""
    lines = ["a0: &a0 [mit]", *(f"a{n}: &a{n} [{f'*a{n - 1},' * 9}]" for n in range(1, 12))]
    one = folder(tmp_path / "m", "\n".join(["---", *lines, "license: *a11", "---"]))
    assert licence_of(one) == Licence("other")


MIT, OTHER, NONE = Licence("mit"), Licence("other"), Licence()
NAMED, NC, ND = Licence("other", "mine"), Licence("cc-by-nc-4.0"), Licence("cc-by-nd-4.0")


@pytest.mark.parametrize(
    ("licences", "expected", "said"),
    [
        ([MIT, MIT], MIT, []),
        ([NAMED, NAMED], NAMED, []),
        ([NC, NC], NC, []),
        ([OTHER, OTHER], None, ["cannot be told"] * 2),
        ([MIT, NONE], None, ["m1 states none"]),
        ([NONE, NONE], None, ["states none"] * 2),
        ([MIT, NAMED], None, ["m0 (mit), m1 (mine); find out"]),
        ([MIT, NC], None, ["m0 (mit), m1 (cc-by-nc-4.0), and cc-by-nc-4.0 restricts use"]),
        ([ND, ND], ND, ["m0 forbids derivatives", "m1 forbids derivatives"]),
        ([MIT, OTHER], None, ["m1 cannot be told"]),
    ],
)
def test_what_a_merge_inherits(
    licences: list[Licence], expected: Licence | None, said: list[str]
) -> None:
    assert inherited(licences) == expected
    lines = warnings({f"m{number}": licence for number, licence in enumerate(licences)})
    assert len(lines) == len(said)
    for line, words in zip(lines, said, strict=True):
        assert words in line


def test_a_card_says_all(tmp_path: Path) -> None:
    paths = [folder(tmp_path / name, "---\nlicense: mit\n---\n") for name in ("a", "b")]
    text = card(*paths, parameters={"weights": [1, 2]}, seed=7, dtype="bfloat16")
    assert front(text) == {
        "license": "mit",
        "library_name": "transformers",
        "tags": ["merge", "speciate"],
    }
    [recipe] = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert tomllib.loads(recipe) == {
        "operator": "linear",
        "seed": 7,
        "dtype": "bfloat16",
        "parameters": {"weights": [1, 2]},
        "parents": [{"path": "a", "role": "model"}, {"path": "b", "role": "model"}],
    }
    RecipeFile.model_validate(tomllib.loads(recipe))
    assert "d" * 64 in text
    assert f"| `a` | `model` | mit | `{'e' * 64}` |" in text
    assert str(tmp_path) not in text
    assert "speciate merge recipe.toml" in text


def test_a_clash_is_stated(tmp_path: Path) -> None:
    paths = [folder(tmp_path / n, f"---\nlicense: {n}\n---\n") for n in ("mit", "gemma")]
    text = card(*paths)
    assert "license" not in front(text)
    assert "parents have different ones" in text


def test_names_on_the_hub(tmp_path: Path) -> None:
    cached = folder(tmp_path / "models--org--name" / "snapshots" / "abc")
    config = folder(tmp_path / "c", config_json='{"_name_or_path": "org/config"}')
    local = folder(tmp_path / "l", config_json='{"_name_or_path": "/home/me/model"}')
    stated = folder(tmp_path / "s", "---\nbase_model: [org/one, org/two, 'x; y']\n---\n")
    assert hub_names(cached) == ("org/name",)
    assert hub_names(config) == ("org/config",)
    assert hub_names(local) == ()
    assert hub_names(stated) == ("org/one", "org/two")
    found = front(card(cached, config, local, stated))
    assert found["base_model"] == ["org/name", "org/config", "org/one", "org/two"]
    assert found["base_model_relation"] == "merge"


def test_labels_say_no_more_than_is_needed(tmp_path: Path) -> None:
    paths = [tmp_path / part for part in ("x/model", "y/model", "z")]
    assert list(labels(paths).values()) == ["x/model", "y/model", "z"]


HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "[click](http://evil.example)",
    "a|b|c",
    "``` \n# heading",
    "`code` **bold**",
    "\x1b[31mred\u202eesrever\x00",
    "x" * 200,
)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_text(tmp_path: Path, name: str) -> None:
    safe = name.replace("/", "_").replace("\x00", "")
    one = folder(tmp_path / safe, f"---\nlicense: {name!r}\nbase_model: {name!r}\n---\n")
    text = card(one)
    front(text)
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) == 1
    cells = re.findall(r"`[^`]*`", rows[0])
    assert len(cells) == 3
    assert rows[0].count("|") == 5
    assert len(rows[0]) < 400
    outside = re.sub(r"`[^`\n]*`", "", text.partition("# `")[2].partition("## Recipe")[0])
    assert not re.search(r"(?<!\\)[<\[]|\u202e", outside)
    assert "\x1b" not in text
    [recipe] = re.findall(r"^(`{3,})toml\n(.*?)^\1$", text, re.DOTALL | re.MULTILINE)
    assert tomllib.loads(recipe[1])["operator"] == "linear"


def test_plain_text_is_one_line() -> None:
    assert plain("a\nb\x1b\u200b c") == "a b c"
    assert len(plain("y" * 500)) == 120


def test_toml_of_all_values_reads_back() -> None:
    values = {
        "text": 'quote " backslash \\ tab \t del \x7f é \U0001f600',
        "numbers": [1, -2.5, 1e-7, 1e300],
        "yes": True,
        "table": {"a key": [[], {"x": 1}], "none": None},
        "nothing": None,
    }
    expected = {k: v for k, v in values.items() if k != "nothing"}
    expected["table"] = {"a key": [[], {"x": 1}]}
    assert tomllib.loads(recipe_toml(values)) == expected
    assert tomllib.loads(recipe_toml({"broken": "\ud800"})) == {"broken": "?"}


def test_tables_are_sections() -> None:
    pieces = [{"parents": [{"parent": 0, "layers": [0, 1]}]}, {"operator": "slerp"}]
    parameters = {"pieces": pieces, "density": {"models": [0.1]}, "path": [[0, 1]], "none": []}
    recipe = {"parents": [{"path": "a"}, {"path": "b"}], "parameters": parameters, "seed": 0}
    text = recipe_toml(recipe)
    assert tomllib.loads(text) == recipe
    assert text.count("[[parents]]") == text.count("[[parameters.pieces]]") == 2
    assert "parents = [{ parent = 0, layers = [0, 1] }]" in text


def test_front_matter_that_is_a_link_to_nowhere(tmp_path: Path) -> None:
    one = folder(tmp_path / "m")
    (one / "README.md").symlink_to(tmp_path / "missing")
    assert front_matter(one) == {}
    (one / "README.md").unlink()
    (one / "README.md").mkdir()
    assert front_matter(one) == {}
