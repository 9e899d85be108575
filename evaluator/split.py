"""Task files: one split of one task, read from JSONL and named by a digest."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from speciate.configs import schema
from speciate.configs.load import explain
from speciate.errors import TaskError
from speciate.evaluator.tasks import KINDS, Kind
from speciate.evaluator.tasks.item import Item
from speciate.evaluator.tokenizer import Tokenizer
from speciate.records import digest_of

# Parts of a task that change neither its items nor how they are scored.
UNSCORED = {"name", "search", "test", "weight"}


@dataclass(frozen=True)
class Split:
    """Items of one split, the settings they are scored by, and the digest of both."""

    task: schema.Task
    items: tuple[Item, ...]
    digest: str

    def prepare(self, tokenizer: Tokenizer, limit: int) -> Kind:
        """The split, tokenised.

        Args:
            tokenizer: Of the founders.
            limit: The engine's longest sequence in tokens.

        Raises:
            TaskError: An item is longer than the engine's limit.
        """
        kind: Kind = KINDS[self.task.kind](self.task, self.items, tokenizer)
        for line, length in enumerate(kind.lengths, start=1):
            if length > limit:
                raise TaskError(
                    f"task '{self.task.name}': item {line} needs {length} tokens, the engine takes "
                    f"{limit}; shorten it or raise engine.max_model_len"
                )
        return kind


def load_split(task: schema.Task, path: Path) -> Split:
    """Reads a JSONL file as items of the task's kind.

    Raises:
        TaskError: The file is missing, empty, or has a line that is not such an item.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise TaskError(
            f"{path}: task '{task.name}' cannot be read ({exc}); check the path in the campaign"
        ) from exc
    items = tuple(
        _item(task, path, number, line) for number, line in enumerate(lines, 1) if line.strip()
    )
    if not items:
        raise TaskError(f"{path}: no items; task '{task.name}' needs at least one line of JSON")
    settings = task.model_dump(mode="json", exclude=UNSCORED)
    content = [item.model_dump(mode="json") for item in items]
    return Split(task, items, digest_of([settings, content]))


def _item(task: schema.Task, path: Path, number: int, line: str) -> Item:
    kind: Any = KINDS[task.kind]
    try:
        item: Item = kind.item.model_validate_json(line)
    except ValidationError as exc:
        raise TaskError(f"{path}:{number}: not a {task.kind} item: {explain(exc)}") from exc
    return item
