"""Task files as people have them: what kind they are, and which part of them selection may see."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speciate.errors import ConfigError, TaskError
from speciate.evaluator.tasks.extraction import NO_ANSWER, number
from speciate.population.randomness import stream

_LOOKED_AT = 50  # lines that tell what kind a file is
_LEAST = 2  # items that can be parted
_KINDS = (
    ({"choices", "answer"}, "multiple_choice"),
    ({"prompt", "tests"}, "code"),
    ({"prompt", "answer"}, "exact_match"),
    ({"text"}, "likelihood"),
)
_TOKENS = {"exact_match": 256, "code": 512}


@dataclass(frozen=True)
class TaskFiles:
    """A task, and where its two parts come from.

    Attributes:
        name: Of the task.
        section: What its section of the campaign says besides name and files.
        search: A file that is used as it is; None if `lines` are to be written.
        test: As `search`.
        lines: Items of a file without parts, which are to be parted.
    """

    name: str
    section: dict[str, Any]
    search: Path | None = None
    test: Path | None = None
    lines: tuple[str, ...] = ()

    def parted(self, seed: int) -> tuple[list[str], list[str]]:
        """Search and test items, half and half, drawn at random and kept in the file's order."""
        order = stream(seed, "init", self.name).shuffle(list(range(len(self.lines))))
        chosen = set(order[: len(order) // 2])
        parts: tuple[list[str], list[str]] = ([], [])
        for index, line in enumerate(self.lines):
            parts[index not in chosen].append(line)
        return parts


def task_files(path: Path) -> TaskFiles:
    """A task from a JSONL file: NAME.search.jsonl beside NAME.test.jsonl, or NAME.jsonl.

    Raises:
        TaskError: The file cannot be read, or no kind of task has such items.
        ConfigError: One part is there, and the other is missing.
    """
    lines = _lines(path)
    section = section_of(path, lines)
    stem = path.name.removesuffix(".jsonl")
    name, _, part = stem.rpartition(".")
    if part not in ("search", "test"):
        unique = tuple(dict.fromkeys(lines))
        if len(unique) < _LEAST:
            raise TaskError(f"{path}: one item cannot be parted into search and test; give more")
        return TaskFiles(stem, section, lines=unique)
    search, test = (path.with_name(f"{name}.{one}.jsonl") for one in ("search", "test"))
    for one in (search, test):
        if not one.is_file():
            raise ConfigError(f"{one}: no such file, and {path.name} is half of a task; add it")
    return TaskFiles(name, section, search, test)


def section_of(path: Path, lines: Sequence[str]) -> dict[str, Any]:
    """What kind of task has such items, with settings that suit them.

    Raises:
        TaskError: None has.
    """
    items = [_item(path, line) for line in lines[:_LOOKED_AT]]
    keys = set.intersection(*map(set, items)) if items else set()
    kind = next((kind for needed, kind in _KINDS if needed <= keys), None)
    if kind is None:
        found = ", ".join(sorted(map(str, keys))) or "nothing"
        raise TaskError(
            f"{path}: no kind of task has items of {found}; docs/tasks.md tells what each has, "
            "such as text, or prompt and answer"
        )
    section: dict[str, Any] = {"kind": kind}
    if kind == "exact_match" and all(_is_number(item["answer"]) for item in items):
        section["extract"] = "number"
    if kind in _TOKENS:
        section["max_tokens"] = _TOKENS[kind]
    return section


def _is_number(answer: object) -> bool:
    """Whether an answer is a number and nothing else."""
    return isinstance(answer, str) and len(answer.split()) == 1 and number(answer) != NO_ANSWER


def _item(path: Path, line: str) -> dict[str, Any]:
    try:
        item = json.loads(line)
    except ValueError as error:
        raise TaskError(f"{path}: not JSONL ({error}); give one JSON object a line") from error
    if not isinstance(item, dict):
        raise TaskError(f"{path}: a line is no JSON object; give one a line")
    return item


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise TaskError(f"{path}: {error.strerror}; give a JSONL file of items") from error
    except UnicodeDecodeError as error:
        raise TaskError(f"{path}: not UTF-8 text ({error}); save it as UTF-8") from error
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        raise TaskError(f"{path}: no items; give one JSON object a line")
    return lines
