"""What can be asked of individuals by name: columns of the index, and tasks."""

from collections.abc import Mapping

from speciate.archive.index.index import Index
from speciate.archive.index.rows import COLUMNS

LIVING = "living"
_OWN = {
    **{name: f"individuals.{name}" for name in COLUMNS},
    LIVING: "(individuals.number IN (SELECT living.number FROM living))",
}


def columns(index: Index) -> Mapping[str, str]:
    """SQL by name, for `Index.rows`: all columns, `living` (1 or 0), and every task's mean score.

    A task that is called like a column, in whatever case, goes by "task.NAME".
    """
    taken = {name.casefold() for name in _OWN}
    tasks = {
        f"task.{task}" if task.casefold() in taken else task: _score(task) for task in index.tasks()
    }
    return _OWN | tasks


def _score(task: str) -> str:
    """Names of tasks may come from anywhere: as hexadecimal digits they say nothing in SQL."""
    name = f"CAST(x'{task.encode().hex()}' AS TEXT)"
    return f"(SELECT value FROM scores WHERE individual = individuals.number AND task = {name})"
