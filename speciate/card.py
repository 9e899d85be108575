"""The model card of a merge: what it was made from, how, and how to make it again.

Names and licences of parents were written by strangers. They stand in code spans, without control
characters and cut short, so that they are neither markup nor links.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from speciate.licences import Licence, inherited, licence_of, warnings
from speciate.population.recipe_file import STATISTICS, RecipeFile
from speciate.strangers import as_front_matter, config_of, front_matter, hub_named
from speciate.toml_text import recipe_toml

_LONGEST = 120
_HUB_FOLDER = re.compile(r"models--([^/]+?)--([^/]+)")


@dataclass(frozen=True)
class Ancestor:
    """A folder that the merge was made from.

    Attributes:
        label: Shortest end of its path that is no other's; says nothing of the machine.
        role: In the recipe.
        path: Of the folder or file.
        licence: None for statistics, which have none.
        names: What the hub calls it, or what it was made from, if that can be told.
    """

    label: str
    role: str
    path: Path
    licence: Licence | None
    names: tuple[str, ...] = ()


def ancestors(file: RecipeFile) -> tuple[Ancestor, ...]:
    """All folders of a recipe, each with each part once."""
    parts = dict.fromkeys(
        part
        for parent in file.parents
        for part in (
            (Path(parent.path), file.role(parent)),
            *([(Path(parent.adapter), "adapter")] if parent.adapter else []),
        )
    )
    names = labels([path for path, _ in parts])
    return tuple(
        Ancestor(names[path], role, path, None)
        if role == STATISTICS
        else Ancestor(names[path], role, path, licence_of(path), hub_names(path))
        for path, role in parts
    )


def labels(paths: Sequence[Path]) -> dict[Path, str]:
    """The last parts of each path, as many as tell it from the others."""
    whole = {path: path.resolve().parts for path in paths}
    found = {}
    for path, parts in whole.items():
        others = [other for other in whole.values() if other != parts]
        counts = range(1, len(parts) + 1)
        enough = (n for n in counts if all(other[-n:] != parts[-n:] for other in others))
        found[path] = "/".join(parts[-next(enough, len(parts)) :]).replace("\\", "/")
    return found


def hub_names(folder: Path) -> tuple[str, ...]:
    """What the hub calls a model; or else what its config or its card says it was made from."""
    for part in reversed(folder.resolve().parts):
        if match := _HUB_FOLDER.fullmatch(part):
            return tuple(hub_named([f"{match[1]}/{match[2]}"]))
    stated = front_matter(folder).get("base_model")
    from_card = stated if isinstance(stated, list) else [stated]
    return tuple(hub_named([config_of(folder).get("_name_or_path")]) or hub_named(from_card))


def licence_warnings(parents: Sequence[Ancestor]) -> list[str]:
    """What to look at before the merge is shared, one line each."""
    return [plain(line, _LONGEST * 10) for line in warnings(_licences(parents))]


def _licences(parents: Sequence[Ancestor]) -> dict[str, Licence]:
    return {one.label: one.licence for one in parents if one.licence is not None}


def model_card(
    title: str,
    file: RecipeFile,
    parents: Sequence[Ancestor],
    digests: Mapping[Path, str | None],
    digest: str,
    bases: Sequence[str] = (),
) -> str:
    """The content of README.md.

    Args:
        title: Name of the model.
        file: The recipe, with the paths that `parents` have.
        parents: All that it was made from.
        digests: Of the parents' weights, by path; None where unknown.
        digest: Of the model's weights.
        bases: Hub names of models, besides those of the parents.
    """
    licences = _licences(parents)
    names = dict.fromkeys([*bases, *(name for one in parents for name in one.names)])
    whole = inherited(list(licences.values())) if licences else None
    sections = [
        _front(file, list(names), whole),
        f"# {code(title)}",
        f"Made by speciate {own_version()} with the operator {code(file.operator)} from:",
        _table(parents, digests),
        licence_section(whole, warnings(licences)),
        "## Recipe",
        f"Seed {file.seed}. `path` is the end of each parent's path, see below.",
        fenced(recipe_toml(_portable(file, parents)), "toml"),
        "## Verify",
        f"Digest of the weights (SHA-256 over names, types, shapes and bytes): `{digest}`",
        "The same recipe and parents give the same bytes with the same software on the same kind "
        "of machine. Save the recipe as `recipe.toml` in the folder from which every `path` leads "
        "to its parent (links to the parents will do), and carry it out there:",
        fenced("speciate merge recipe.toml again --json\n", "sh"),
    ]
    return "\n\n".join(sections) + "\n"


def own_version() -> str:
    """Of the installed package."""
    try:
        return version("speciate")
    except PackageNotFoundError:
        return "(not installed)"


def _front(file: RecipeFile, names: Sequence[str], licence: Licence | None) -> str:
    fields: dict[str, object] = {"base_model": list(names)} if names else {}
    if names and not file.of_adapters:
        fields["base_model_relation"] = "merge"
    if licence is not None:
        fields["license"] = licence.id
        if licence.id == "other":
            fields["license_name"] = licence.name
    fields["library_name"] = "peft" if file.of_adapters else "transformers"
    fields["tags"] = ["merge", "speciate", *(["lora"] if file.of_adapters else [])]
    return as_front_matter(fields)


def _table(parents: Sequence[Ancestor], digests: Mapping[Path, str | None]) -> str:
    rows = [
        f"| {code(one.label)} | {code(one.role)} | {one.licence or ''} "
        f"| {code(digests.get(one.path) or 'unknown')} |"
        for one in parents
    ]
    head = ["| parent | role | licence | digest of the weights |", "|---|---|---|---|"]
    return "\n".join([*head, *rows])


def licence_section(licence: Licence | None, lines: Sequence[str]) -> str:
    """What holds for a model that was made from others, or what is to be found out."""
    if licence is not None and not lines:
        return f"All parents have the licence {licence}, and so has this model."
    notes = [f"- {escaped(line.removeprefix('licence: '))}." for line in lines]
    return "\n".join(["## Licence", "", "Not settled by speciate:", "", *notes])


def _portable(file: RecipeFile, parents: Sequence[Ancestor]) -> dict[str, Any]:
    """The recipe with labels for paths, and without what is as usual."""
    named = {one.path: one.label for one in parents}
    rows = [
        {
            "path": named[Path(parent.path)],
            "role": file.role(parent),
            "adapter": parent.adapter and named[Path(parent.adapter)],
            "adapter_weight": parent.adapter_weight if parent.adapter else None,
        }
        for parent in file.parents
    ]
    return {
        "operator": file.operator,
        "seed": file.seed,
        "dtype": file.dtype,
        "tokenizer": file.tokenizer and named.get(Path(file.tokenizer), file.tokenizer),
        "chat_template": file.chat_template and named.get(Path(file.chat_template)),
        "parameters": file.parameters or None,
        "parents": rows,
    }


def plain(text: str, longest: int = _LONGEST) -> str:
    """One short line without control or invisible characters."""
    kept = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text[: 2 * longest])
    line = " ".join(kept.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def code(text: str) -> str:
    """A code span, in which only backticks, and pipes within tables, mean anything."""
    inside = re.sub(r"[`|\\]", "_", plain(text))
    return f"`{inside or ' '}`"


def escaped(text: str) -> str:
    """Running text in which nothing is markup."""
    return re.sub(r"([\\`*_\[\]<>#|~&:@!])", r"\\\1", plain(text, _LONGEST * 10))


def fenced(text: str, language: str) -> str:
    """A block that shows a text as it is, whatever is in it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}{fence}"
