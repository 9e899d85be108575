"""Which proposals wait for people, as the config says."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from speciate.configs.load import validated
from speciate.configs.review import Review
from speciate.errors import ConfigError
from speciate.records import Individual, Parent, Recipe
from speciate.review.policy import Facts, founders_of, verdict

CODE = {"mode": "review-if", "similarity": 0.9}
COST = {"mode": "review-if", "cost_s": 60}
BASE = {"mode": "review-if", "protected": ["base", "maths"]}


def _review(data: Mapping[str, Any]) -> Review:
    return validated(Review, data, "campaign.toml")


@pytest.mark.parametrize(
    ("settings", "facts", "why"),
    [
        ({}, Facts("recipe"), None),
        ({}, Facts("code", similarity=1.0), "all code is reviewed"),
        ({"code": {"mode": "auto"}}, Facts("code"), None),
        ({"recipe": {"mode": "review"}}, Facts("recipe"), "all recipes are reviewed"),
        ({"code": CODE}, Facts("code"), "its code is new: none was approved yet"),
        (
            {"code": CODE},
            Facts("code", similarity=0.89),
            "its code is new: 0.89 similar to what was approved, 0.9 is asked for",
        ),
        ({"code": CODE}, Facts("code", similarity=0.9), None),
        ({"recipe": COST}, Facts("recipe", cost_s=60), None),
        ({"recipe": COST}, Facts("recipe", cost_s=61), "it costs some 61 s, more than 60 s"),
        ({"recipe": COST}, Facts("recipe"), "nobody knows what it costs"),
        ({"recipe": COST}, Facts("code", cost_s=1), "all code is reviewed"),
        ({"recipe": BASE}, Facts("recipe", ("chat",), ("chat",)), None),
        (
            {"recipe": BASE},
            Facts("recipe", (), ("base", "chat", "maths")),
            "it is bred from base, maths",
        ),
        ({"recipe": BASE | {"reach": "parents"}}, Facts("recipe", (), ("base",)), None),
        (
            {"recipe": BASE | {"reach": "parents"}},
            Facts("recipe", ("base",), ("base",)),
            "it is bred from base",
        ),
        (
            {"recipe": BASE | COST},
            Facts("recipe", (), ("base",), 100),
            "it costs some 100 s, more than 60 s; it is bred from base",
        ),
    ],
)
def test_verdicts(settings: dict[str, Any], facts: Facts, why: str | None) -> None:
    assert verdict(_review(settings), facts) == why


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"recipe": {"mode": "review-if"}}, "'review-if' needs a condition"),
        ({"recipe": {"mode": "review", "cost_s": 1}}, "cost_s counts only if mode is 'review-if'"),
        ({"recipe": {"similarity": 1}}, "unknown key 'similarity'"),
        ({"code": {"mode": "sometimes"}}, "sometimes"),
        ({"code": CODE | {"similarity": 2}}, "similarity"),
    ],
)
def test_policies_that_say_nothing_are_refused(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        _review(settings)


def test_founders_are_found_among_parents_and_ancestors() -> None:
    a, b = (Recipe("founder", (), {"name": name, "digest": name}, 0) for name in "ab")
    child = Recipe("linear", (Parent(a.id, "model"),), {}, 1)
    known = {one.id: Individual(one, "0", 0, "x") for one in (a, b, child)}
    recipe = Recipe("linear", (Parent(child.id, "model"), Parent(b.id, "model")), {}, 2)
    assert founders_of(recipe, known) == (("b",), ("a", "b"))


def test_the_policy_in_the_docs_is_one() -> None:
    docs = (Path(__file__).parents[3] / "docs" / "review.md").read_text()
    [text] = re.findall(r"```toml\n(.*?)```", docs, re.DOTALL)
    settings = _review(tomllib.loads(text))
    assert settings.recipe == Review().recipe
    facts = Facts("code", (), ("base",), 60, 0.95)
    assert verdict(settings, facts) is None
    assert verdict(settings, replace(facts, parents=("base",))) == "it is bred from base"
