"""A merge worked out and told, without writing anything."""

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.filesize import decimal
from rich.text import Text

from speciate import estimate
from speciate.card import ancestors, licence_warnings
from speciate.effective import Part, constants, effective, parts, to_json
from speciate.errors import DiskError
from speciate.merging import Options, checked
from speciate.output import duration, plain_table
from speciate.planning import AdapterPlan
from speciate.population.crew import default_jobs
from speciate.population.plan import Plan, Segment
from speciate.population.recipe_file import RecipeFile
from speciate.population.safetensors_writer import MARGIN, Spec
from speciate.population.safetensors_writer import plan as shards

_SHOWN = 40


def dry_run(source: Path, file: RecipeFile, out: Path, options: Options) -> dict[str, Any]:
    """What `speciate merge` would do, as JSON values.

    Raises:
        ConfigError: The recipe or an option cannot be carried out.
        ModelError: A parent is missing or damaged, or they do not fit one another.
    """
    plan, remarks = checked(source, file, options)
    found: dict[str, Any] = {
        "recipe": str(source),
        "out": str(out),
        "operator": file.operator,
        "seed": file.seed,
        "parents": _parents(file),
        "warnings": [*remarks, *licence_warnings(ancestors(file))],
    }
    return found | (_of_adapter(plan) if isinstance(plan, AdapterPlan) else _of(plan, out, options))


def check_room(found: Mapping[str, Any]) -> None:
    """Refuses what the merge would refuse.

    Raises:
        DiskError: The disk has no room.
    """
    disk = found.get("disk")
    if disk and disk["free"] < disk["needed"]:
        raise DiskError(
            f"{found['out']}: needs {decimal(disk['needed'])} on disk but {decimal(disk['free'])} "
            "are free; make room or choose another folder"
        )


def _parents(file: RecipeFile) -> list[dict[str, Any]]:
    return [
        {
            "path": one.path,
            "role": file.role(one),
            "bytes": estimate.size_of(Path(one.path)),
            "adapter": one.adapter,
            "adapter_weight": one.adapter_weight if one.adapter else None,
        }
        for one in file.parents
    ]


def _of(plan: Plan, out: Path, options: Options) -> dict[str, Any]:
    jobs = options.jobs or default_jobs()
    specs = {spec.name: spec for spec in plan.frame.specs}
    trial = estimate.trial(plan, jobs)
    files = shards(plan.frame.specs, int(options.shard_gib * 2**30))
    return {
        "tensors": len(specs),
        "bytes": plan.frame.nbytes,
        "dtypes": dict(Counter(str(spec.dtype).removeprefix("torch.") for spec in specs.values())),
        "files": len(files),
        "segments": [_segment(segment, specs) for segment in plan.segments],
        "memory": {"jobs": jobs, "bytes": estimate.memory(plan, jobs)},
        "disk": {"needed": plan.frame.nbytes + MARGIN, "free": _free(out)},
        "time": trial and {"seconds": round(trial.seconds, 3), "trial": trial.name},
    }


def _free(out: Path) -> int:
    there = next(folder for folder in out.absolute().parents if folder.is_dir())
    return shutil.disk_usage(there).free


def _segment(segment: Segment, specs: Mapping[str, Spec]) -> dict[str, Any]:
    names = [name for name in segment.names if not segment.frame.dtype(name).is_floating_point]
    return {
        "operator": segment.operator.name,
        "grain": segment.operator.grain_for(segment.parameters).value,
        "constants": constants(segment.parameters),
        "copied": len(names),
        "parts": [_part(segment, part, specs) for part in parts(segment)],
    }


def _part(segment: Segment, part: Part, specs: Mapping[str, Spec]) -> dict[str, Any]:
    values = effective(segment.parameters, part)
    return {
        "part": part.label,
        "tensors": len(part.places),
        "bytes": sum(specs[place.name].nbytes for place in part.places),
        "parameters": to_json(values, segment.parameters),
    }


def _of_adapter(plan: AdapterPlan) -> dict[str, Any]:
    return {
        "modules": len({name for one in plan.parents for name in one.modules}),
        "ranks": sorted({one.rank(name) for one in plan.parents for name in one.modules}),
        "constants": plan.parameters.model_dump(mode="json"),
    }


def drawn(found: Mapping[str, Any]) -> RenderableType:
    """For people, 80 columns wide."""
    lines: list[RenderableType] = [_facts(found), "", _parents_table(found)]
    if "segments" in found:
        lines += ["", _parts_table(found)]
    return Group(*lines)


def _facts(found: Mapping[str, Any]) -> RenderableType:
    table = plain_table("", " ")
    table.show_header = False
    table.add_row("operator", Text(f"{found['operator']}, seed {found['seed']}"))
    table.add_row("out", Text(found["out"]))
    if "modules" in found:
        ranks = ", ".join(map(str, found["ranks"]))
        table.add_row("adapter", f"{found['modules']} modules; parents have ranks {ranks}")
        table.add_row("parameters", Text(_listed(found["constants"])))
        return table
    dtypes = ", ".join(f"{count} {name}" for name, count in found["dtypes"].items())
    files = f"{found['files']} file{'s' * (found['files'] > 1)}"
    table.add_row("writes", f"{decimal(found['bytes'])} in {files}; tensors: {dtypes}")
    disk, memory, time = found["disk"], found["memory"], found["time"]
    table.add_row("disk", f"needs {decimal(disk['needed'])}, {decimal(disk['free'])} are free")
    if constant := _constants(found["segments"]):
        table.add_row("parameters", Text(constant))
    table.add_row("memory", f"about {decimal(memory['bytes'])} for tensors, {memory['jobs']} jobs")
    table.add_row("time", _time(time["seconds"]) if time else "not estimated")
    if time:
        table.add_row("", Text(f"by a trial on {time['trial']}", style="dim"))
    return table


def _time(seconds: float) -> str:
    words = f"{seconds:.1f} s" if seconds < 10 else duration(seconds)
    return f"about {words}, and what the disk takes to write"


def _constants(segments: Sequence[Mapping[str, Any]]) -> str:
    """Parameters that are the same everywhere; pieces of a stack may have different ones."""
    same = all(one["constants"] == segments[0]["constants"] for one in segments)
    return _listed(segments[0]["constants"]) if same else "several; --json has all"


def _parents_table(found: Mapping[str, Any]) -> RenderableType:
    table = plain_table("role ", "size", "parent ")
    for one in found["parents"]:
        factor = "" if one["adapter_weight"] in (None, 1) else f"{one['adapter_weight']:g} times "
        put_on = f" with {factor}{one['adapter']}" if one["adapter"] else ""
        table.add_row(one["role"], decimal(one["bytes"]), Text(one["path"] + put_on))
    return table


def _parts_table(found: Mapping[str, Any]) -> RenderableType:
    """One row a part."""
    table = plain_table("part ", "tensors", "size", "operator and parameters ")
    rows = [
        (part["part"], part["tensors"], part["bytes"], _line(segment, part))
        for segment in found["segments"]
        for part in segment["parts"]
    ]
    for label, tensors, size, line in rows[:_SHOWN]:
        table.add_row(label, str(tensors), decimal(size), Text(line))
    if len(rows) > _SHOWN:
        table.add_row(f"... {len(rows) - _SHOWN} more parts; --json has all", "", "", "")
    copied = sum(segment["copied"] for segment in found["segments"])
    if copied:
        table.add_row("not of floating point", str(copied), "", "copied")
    return table


def _line(segment: Mapping[str, Any], part: Mapping[str, Any]) -> str:
    values = _listed(part["parameters"])
    return f"{segment['operator']}: {values}" if values else segment["operator"]


def _listed(values: Mapping[str, Any]) -> str:
    return "; ".join(f"{key} {_said(one)}" for key, one in values.items() if one is not None)


def _said(value: Any) -> str:  # noqa: ANN401
    """A value, several, or those of a schedule from the first place to the last."""
    if isinstance(value, list | tuple):
        return ", ".join(map(_said, value))
    if isinstance(value, Mapping) and "low" in value:
        first, last, low, high = (f"{value[key]:.4g}" for key in ("first", "last", "low", "high"))
        return f"{first} to {last}" if {first, last} == {low, high} else f"{low} .. {high}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str) and "\n" in value:
        return f"{value.partition(chr(10))[0]} ..."
    return f"{value:.4g}" if isinstance(value, float) else str(value)
