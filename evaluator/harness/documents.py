"""Tasks of the harness, loaded: a range of the documents of one split, and what each asks."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from inspect import getfile
from pathlib import Path
from typing import Any

from speciate.configs.tasks.lm_eval import PART, LmEval
from speciate.errors import SpeciateError, TaskError
from speciate.evaluator.harness.calm import calm
from speciate.evaluator.harness.definition import definition, made

# What only says how a task is called and where its documents are.
_NAMES = {"task", "task_alias", "tag", "metadata"}
_PLACES = {"dataset_path", "dataset_name", "dataset_kwargs"}


@dataclass(frozen=True)
class Documents:
    """Documents of a task that is ready to ask and to score.

    Attributes:
        task: The harness's.
        numbers: Of the documents, within their split.
        source: The harness's version and the definition of the task, as JSON.
    """

    section: LmEval
    task: Any
    numbers: range
    source: str

    def requests(self, chat: Callable[..., str] | None = None) -> list[list[Any]]:
        """What is asked about each document, as instances of the harness.

        Args:
            chat: Renders messages; without it, prompts are plain text.
        """
        with explained(self.section):
            self.task.set_fewshot_seed(self.section.seed)
            self.task.build_all_requests(
                samples=self.numbers,
                apply_chat_template=chat is not None,
                fewshot_as_multiturn=chat is not None,
                chat_template=chat,
            )
        found = defaultdict(list)
        for instance in self.task.instances:
            found[instance.doc_id].append(instance)
        return [found[place] for place in range(len(self.numbers))]


def load(section: LmEval, part: str) -> Documents:
    """Loads a task of the harness, offline.

    Args:
        section: Its paths are absolute, or relative to the working directory.
        part: A split of the task's data and optionally a range, such as "test[:100]".

    Raises:
        TaskError: There is no such task, split or range, its data are not on this machine, or it
            is of a kind that cannot be scored here.
    """
    split, start, stop = _parsed(part)
    with explained(section):
        found = definition(section)
        told = {key: value for key, value in found.items() if key not in _NAMES | _PLACES}
        source = json.dumps([version("lm_eval"), told], default=_source, sort_keys=True)
        task = made(section, found, split)
        count = len(task.eval_docs)
    numbers = range(int(start or 0), int(stop or count))
    if not numbers or numbers.stop > count:
        raise TaskError(
            f"there are no documents '{part}', '{split}' has {count}; correct search or test"
        )
    _keep_apart(section, task, part)
    return Documents(section, task, numbers, source)


@contextmanager
def explained(section: LmEval) -> Iterator[None]:
    """Runs code of the harness and of tasks in peace; what it raises becomes one line."""
    try:
        with calm():
            yield
    except SpeciateError:
        raise
    except ConnectionError as exc:
        load_it = f"from lm_eval.tasks import TaskManager as T; T().load('{section.task}')"
        raise TaskError(
            f"data of lm-eval's '{section.task}' are not on this machine, "
            f"and nothing is downloaded ({_line(exc)}); where there is network, "
            f'run once: python -c "{load_it}"'
        ) from exc
    except Exception as exc:  # Whatever foreign code raises.
        raise TaskError(
            f"lm-eval's '{section.task}' does not work "
            f"({type(exc).__name__}: {_line(exc)}); correct the task, or its data"
        ) from exc


def _line(exc: Exception) -> str:
    return " ".join(str(exc).split())[:300]


def _parsed(part: str) -> tuple[str, str | None, str | None]:
    match = re.fullmatch(PART, part)
    if match is None:
        raise ValueError(f"{part!r} is no split with a range")
    return match[1], match[2], match[3]


def _source(value: Any) -> object:  # noqa: ANN401
    """What stands for a function in a digest: its name, and the digest of the file it is in."""
    value = getattr(value, "func", value)
    if not callable(value):
        return repr(value)
    name = getattr(value, "__qualname__", type(value).__qualname__)
    try:
        return [name, sha256(Path(getfile(value)).read_bytes()).hexdigest()]
    except TypeError:  # Of a compiled module.
        return [name]


def _keep_apart(section: LmEval, task: Any, part: str) -> None:  # noqa: ANN401
    """Refuses to search with prompts that show solved test documents."""
    config, examples = task.config, task.fewshot_cfg
    given = examples.split is None and examples.samples is not None
    if part != section.search or section.test is None or not config.num_fewshot or given:
        return
    splits = (examples.split, config.training_split, config.validation_split, config.test_split)
    shown = next(split for split in splits if split)
    if shown == _parsed(section.test)[0]:
        raise TaskError(
            f"examples in its prompts would be test documents ('{shown}'); "
            "set num_fewshot = 0, or another fewshot_split in the task's YAML"
        )
