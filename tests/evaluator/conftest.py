"""Tasks from settings and items, as a campaign would read them."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from speciate.configs import schema
from speciate.evaluator.split import Split, load_split
from speciate.evaluator.tokenizer import Tokenizer

Making = Callable[..., Split]


@pytest.fixture(scope="session")
def base(zoo: Path) -> Tokenizer:
    """The tokenizer of the zoo."""
    return Tokenizer(zoo / "models" / "base")


@pytest.fixture
def split(tmp_path: Path) -> Making:
    """Makes the split of a task named 't' from its items and settings."""

    def made(items: Sequence[object], **settings: object) -> Split:
        path = tmp_path / "t.jsonl"
        path.write_text("\n".join(json.dumps(item) for item in items))
        task = TypeAdapter[schema.Task](schema.Task).validate_python(
            {"name": "t", "search": "t.jsonl", **settings}
        )
        return load_split(task, path)

    return made
