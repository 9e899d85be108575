"""What people get to edit says the very recipe, and is read back as it."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from speciate.review.editing import as_toml, from_text

SOURCES = ["a = 'it''s'\n", "'''\n", "ends in '", "\r\n\x00\u202e", "", '\\ " \t{x}\n\n']


@pytest.mark.parametrize("source", SOURCES)
def test_code_survives(waiting: Any, source: str) -> None:
    code = {"source": source, "values": {"share": 0.5}}
    recipe = waiting.recipe(operator="evolved", parameters=code)
    archive = waiting.archive
    assert from_text(as_toml(recipe, archive.individuals), "x", archive) == recipe


def test_code_is_lines_and_founders_have_names(waiting: Any) -> None:
    code = {"source": waiting.source, "values": {}}
    recipe = waiting.recipe(operator="evolved", parameters=code)
    text = as_toml(recipe, waiting.archive.individuals)
    assert 'id = "maths"' in text
    assert f"source = '''\n{waiting.source}'''\n" in text


@pytest.fixture
def archive(waiting: Any) -> Any:
    return waiting.archive


@given(source=st.text(max_size=20))
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50
)
def test_any_text_of_code_survives(waiting: Any, archive: Any, source: str) -> None:
    recipe = waiting.recipe(operator="evolved", parameters={"source": source})
    assert from_text(as_toml(recipe, archive.individuals), "x", archive) == recipe
