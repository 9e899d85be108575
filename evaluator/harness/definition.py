"""Definitions of tasks of the harness: found by name or file, and made into tasks."""

import difflib
from functools import cache
from pathlib import Path
from typing import Any

from lm_eval.tasks import TaskManager
from lm_eval.tasks._yaml_loader import load_yaml

from speciate.configs.tasks.lm_eval import LmEval
from speciate.errors import TaskError

Definition = dict[str, Any]
_OTHER = "that is not supported; choose another task"


def definition(section: LmEval) -> Definition:
    """What the YAML file of a task says; functions that it names are imported.

    Raises:
        TaskError: There is no such task, or it is none that can be scored here.
    """
    path = Path(section.task) if section.is_file else _known(section)
    if not path.is_file():
        raise TaskError(f"{path}: no such file; check its path")
    found: Definition = load_yaml(path)
    if "group" in found or not isinstance(found.get("task"), str):
        raise _group(section)
    for key, what in (("class", "is a Python class"), ("unsafe_code", "runs what models write")):
        if found.get(key):
            raise TaskError(f"lm-eval's '{section.task}' {what}; {_OTHER}")
    kwargs = found.get("dataset_kwargs") or {}
    here = {key: _near(path, kwargs[key]) for key in ("data_files", "data_dir") if key in kwargs}
    return {**found, "dataset_kwargs": {**kwargs, **here}}


def made(section: LmEval, found: Definition, split: str) -> Any:  # noqa: ANN401
    """The task, whose documents are those of a split.

    Raises:
        TaskError: It has no such split, or asks for more than text.
    """
    own = found.get("test_split") or found.get("validation_split")
    try:
        # Not where it changes nothing: examples are chosen otherwise when the split is named.
        moved = {} if split == own else {"test_split": split}
        (task,) = TaskManager(include_defaults=False).load({**found, **moved})["tasks"].values()
    except KeyError as exc:
        if exc.args != (split,):
            raise
        raise TaskError(
            f"lm-eval's '{section.task}' has no split '{split}'; correct search or test"
        ) from exc
    if getattr(task, "MULTIMODAL", False):
        raise TaskError(f"lm-eval's '{section.task}' has images or sound; {_OTHER}")
    own_shots = task.config.num_fewshot or 0
    shots = own_shots if section.num_fewshot is None else section.num_fewshot
    task.set_config("num_fewshot", shots)
    if section.generation:
        if task.OUTPUT_TYPE != "generate_until":
            raise TaskError(f"lm-eval's '{section.task}' generates nothing; leave generation out")
        task.set_config("generation_kwargs", section.generation, update=True)
    return task


def _known(section: LmEval) -> Path:
    """The file of the task of a name."""
    entry = None
    if section.include is not None:
        if not Path(section.include).is_dir():
            raise TaskError(f"{section.include}: no such folder; correct include")
        included = TaskManager(include_path=section.include, include_defaults=False)
        entry = included.task_index.get(section.task)
    entry = entry or _shipped().get(section.task)
    if entry is None:
        close = difflib.get_close_matches(section.task, _shipped(), n=1, cutoff=0.5)
        hint = f"did you mean '{close[0]}'?" if close else "`lm_eval ls tasks` lists them"
        raise TaskError(f"lm-eval has no task '{section.task}'; {hint}")
    if entry.yaml_path is None:
        raise _group(section)
    return Path(entry.yaml_path)


@cache
def _shipped() -> dict[str, Any]:
    """The harness's own tasks by name; reading some fourteen thousand files takes seconds."""
    return dict(TaskManager().task_index)


def _group(section: LmEval) -> TaskError:
    return TaskError(
        f"lm-eval's '{section.task}' is a group of tasks; give each as a task of its own"
    )


def _near(path: Path, data: Any) -> Any:  # noqa: ANN401
    """Paths of data with those that lead from the task's own file to something made absolute.

    The harness starts from the working directory, which may be any.
    """
    if isinstance(data, dict):
        return {key: _near(path, value) for key, value in data.items()}
    if isinstance(data, list):
        return [_near(path, value) for value in data]
    near = path.absolute().parent / str(data)
    return str(near) if near.exists() else data
