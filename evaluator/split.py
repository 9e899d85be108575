"""Task files: one split of one task, read from JSONL and named by a digest."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from speciate.configs import schema
from speciate.configs.load import explain
from speciate.configs.tasks import LmEval
from speciate.errors import TaskError
from speciate.evaluator.tasks import Kind, kind_of, lm_eval
from speciate.evaluator.tasks.item import Item
from speciate.evaluator.tasks.plugin import Plugin, source_digest
from speciate.evaluator.tokenizer import Tokenizer
from speciate.records import digest_of

# Parts of a task that change neither its items nor how they are scored.
UNSCORED = {"name", "search", "test", "weight"}


@dataclass(frozen=True)
class Split:
    """Items of one split, the settings they are scored by, and the digest of both.

    Attributes:
        places: File and line of each item, for messages.
    """

    task: schema.Task
    items: tuple[Item, ...]
    places: tuple[str, ...]
    digest: str

    def of(self, items: Sequence[int]) -> "Split":
        """Some of the items, in this order, as a split of their own."""
        return Split(
            self.task,
            tuple(self.items[item] for item in items),
            tuple(self.places[item] for item in items),
            digest_of([self.digest, list(items)]),
        )

    def prepare(self, tokenizer: Tokenizer, limit: int) -> Kind:
        """The split, tokenised.

        Args:
            tokenizer: Of the founders.
            limit: The engine's longest sequence in tokens.

        Raises:
            TaskError: An item is longer than the engine's limit, or chats without a template.
        """
        try:
            kind: Kind = kind_of(self.task)(self.task, self.items, tokenizer)
            if isinstance(self.task, schema.Plugin):
                kind = Plugin(kind, self.task, len(self.items))
        except TaskError as exc:
            raise TaskError(f"task '{self.task.name}': {exc}") from exc
        for place, length in zip(self.places, kind.lengths, strict=True):
            if length > limit:
                raise TaskError(
                    f"{place}: task '{self.task.name}' needs {length} tokens here, the engine "
                    f"takes {limit}; shorten the item, or raise vLLM's engine.max_model_len"
                )
        return kind


def load_split(task: schema.Task, path: Path) -> Split:
    """Reads a JSONL file as items of the task's kind.

    Args:
        task: Its section.
        path: The file; of a task of the lm-evaluation-harness, which has none, the name of a part
            of its data in the folder that its paths start from.

    Raises:
        TaskError: The file is missing, empty, or has a line that is not such an item; or the kind
            is a plugin that cannot be used.
        SpeciateError: What the kind needs is not on this machine, or out of reach.
    """
    if task.kind == "lm_eval":
        return _of_harness(lm_eval.located(task, path.parent), path.name)
    kind = kind_of(task)
    try:
        # Not splitlines(): JSON may hold other line separators of Unicode.
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as exc:
        raise TaskError(
            f"{path}: task '{task.name}' cannot be read ({exc.strerror}); "
            "check the path in the campaign"
        ) from exc
    except UnicodeDecodeError as exc:
        raise TaskError(
            f"{path}: task '{task.name}' is not UTF-8 text ({exc}); save it as UTF-8"
        ) from exc
    found = {f"{path}:{number}": line for number, line in enumerate(lines, 1) if line.strip()}
    items = tuple(_item(kind.item, task, place, line) for place, line in found.items())
    if not items:
        raise TaskError(f"{path}: no items; task '{task.name}' needs at least one line of JSON")
    settings = task.model_dump(mode="json", exclude=UNSCORED)
    if isinstance(task, schema.Plugin):
        settings["source"] = source_digest(kind)
    if hasattr(kind, "depends_on"):
        settings["depends_on"] = kind.depends_on(task)
    if hasattr(kind, "check_machine"):
        kind.check_machine(task)
    content = [item.model_dump(mode="json") for item in items]
    return Split(task, items, tuple(found), digest_of([settings, content]))


def _of_harness(task: LmEval, part: str) -> Split:
    items, source = lm_eval.read(task, part)
    settings = task.model_dump(mode="json", exclude=UNSCORED | {"task", "include"})
    content = [settings | {"source": source}, [item.model_dump(mode="json") for item in items]]
    places = tuple(f"{task.task}: {part} {item.number}" for item in items)
    return Split(task, items, places, digest_of(content))


def _item(model: type[Item], task: schema.Task, place: str, line: str) -> Item:
    try:
        item = model.model_validate_json(line)
        item.check(task)
        hash(item)  # So that search and test items can be told apart.
    except ValidationError as exc:
        raise TaskError(f"{place}: not a {task.kind} item: {explain(exc)}") from exc
    except (ValueError, TypeError) as exc:
        raise TaskError(f"{place}: not a {task.kind} item: {exc}") from exc
    return item
