"""Whether adapters can be merged with each other; reads no weights."""

from collections.abc import Iterator, Sequence

from speciate.errors import ModelError
from speciate.population.adapters.adapter import Adapter


def check_fit(adapters: Sequence[Adapter], equal_ranks: bool = False) -> None:
    """Compares all adapters with those before them, module by module.

    Args:
        adapters: At least one.
        equal_ranks: Whether a module has to have one rank in all adapters that have it.

    Raises:
        ModelError: All that does not fit, together.
    """
    problems = [
        *_fields(adapters),
        *_modules(adapters, equal_ranks),
        *_saved(adapters),
    ]
    if problems:
        raise ModelError(
            f"adapters do not fit each other: {'; '.join(problems)}; "
            "merge only adapters of one base model and task"
        )


def _fields(adapters: Sequence[Adapter]) -> Iterator[str]:
    """What a config leaves out contradicts nothing."""
    for field in ("base_model_name_or_path", "task_type"):
        given = [(one, getattr(one.config, field)) for one in adapters]
        given = [(one, value) for one, value in given if value is not None]
        for one, value in given[1:]:
            if value != given[0][1]:
                yield f"{one.label}: {field} is {value}, not {given[0][1]}"
    for one in adapters[1:]:
        if one.config.fan_in_fan_out != adapters[0].config.fan_in_fan_out:
            yield f"{one.label}: fan_in_fan_out is {str(one.config.fan_in_fan_out).lower()}"


def _modules(adapters: Sequence[Adapter], equal_ranks: bool) -> Iterator[str]:
    first: dict[str, Adapter] = {}
    for one in adapters:
        for module in one.modules:
            other = first.setdefault(module, one)
            ours, theirs = other.layout(module), one.layout(module)
            if ours.embedding != theirs.embedding:
                yield f"{one.label}: {module} is adapted as another kind of layer"
            elif ours != theirs:
                yield (
                    f"{one.label}: {module} is {theirs.outputs} x {theirs.inputs}, "
                    f"not {ours.outputs} x {ours.inputs}"
                )
            if equal_ranks and one.rank(module) != other.rank(module):
                yield f"{one.label}: {module} has rank {one.rank(module)}, not {other.rank(module)}"


def _saved(adapters: Sequence[Adapter]) -> Iterator[str]:
    first: dict[str, Adapter] = {}
    adapted = {module for one in adapters for module in one.modules}
    for one in adapters:
        for name in one.saved:
            module = name.rpartition(".")[0]
            if module in adapted and module not in one.modules:
                yield f"{one.label}: has {name} in full, while another adapts it"
            ours, theirs = first.setdefault(name, one).saved_shape(name), one.saved_shape(name)
            if ours != theirs:
                yield f"{one.label}: {name} has shape {list(theirs)}, not {list(ours)}"
