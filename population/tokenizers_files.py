"""Small files of a child whose tokenizer or chat template is not that of its first parent."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from speciate.errors import ConfigError, ModelError
from speciate.population.safetensors_writer import check_inside
from speciate.population.tokenizers_read import read_tokenizer_json
from speciate.population.tokenizers_union import as_json

Files = Mapping[str, bytes | None]
CONFIG = "tokenizer_config.json"
_GENERATION = "generation_config.json"
_MORE_TEMPLATES = "additional_chat_templates"
_LONGEST_TEMPLATE = 1 << 20
_TOKEN_IDS = re.compile(
    r"_token_(id|ids|index)$|^(bad_words_ids|(begin_)?suppress_tokens|forced_decoder_ids)$"
)


def with_token_ids(config: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """A config with the special tokens of another, in `text_config` too."""
    new = {key: value for key, value in config.items() if not _TOKEN_IDS.search(key)}
    new |= {key: value for key, value in other.items() if _TOKEN_IDS.search(key)}
    ours, theirs = config.get("text_config"), other.get("text_config")
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        new["text_config"] = with_token_ids(ours, theirs)
    return new


def generation_files(first: Path, owner: Path) -> Files:
    """How the first model generates, with the special tokens of the tokenizer's owner.

    Raises:
        ModelError: A file is damaged, or a link to outside of its folder.
    """
    settings = with_token_ids(*(_optional(folder, _GENERATION) for folder in (first, owner)))
    return {_GENERATION: as_json(settings) if settings else None}


def template_files(owner: Path, giver: Path, files: Files) -> dict[str, bytes | None]:
    """Replaces the chat templates that come with a tokenizer by those of another model.

    Args:
        owner: Whose tokenizer it is.
        giver: Whose templates are wanted.
        files: What is replaced already.

    Raises:
        ConfigError: The giver has no chat template.
        ModelError: A file is damaged, or a link to outside of its folder.
    """
    templates = _templates(giver)
    if "default" not in templates:
        raise ConfigError(f"chat_template: {giver} has none; name a model that has one")
    replaced = files.get(CONFIG)
    config = _optional(owner, CONFIG) if replaced is None else json.loads(replaced)
    new: dict[str, bytes | None] = {**files, "chat_template.json": None}
    for path in (owner / _MORE_TEMPLATES).glob("*.jinja"):
        new[f"{_MORE_TEMPLATES}/{path.name}"] = None
    for name, text in templates.items():
        file = "chat_template" if name == "default" else f"{_MORE_TEMPLATES}/{name}"
        new[f"{file}.jinja"] = text.encode("utf-8", "replace")
    if config.pop("chat_template", None) is not None:
        new[CONFIG] = as_json(config)
    return new


def _templates(folder: Path) -> dict[str, str]:
    """By name; as in transformers, files of their own go before what is in the JSON files."""
    found: dict[Any, Any] = {}
    for file in (CONFIG, "chat_template.json"):
        said = _optional(folder, file).get("chat_template")
        if isinstance(said, str):
            found["default"] = said
        for one in said if isinstance(said, list) else ():
            found |= {one.get("name"): one.get("template")} if isinstance(one, dict) else {}
    for path in sorted((folder / _MORE_TEMPLATES).glob("*.jinja")):
        found[path.stem] = _text(path, folder)
    if (folder / "chat_template.jinja").is_file():
        found["default"] = _text(folder / "chat_template.jinja", folder)
    for name, template in found.items():
        named = isinstance(name, str) and re.fullmatch(r"[\w-]{1,64}", name)
        if not named or not isinstance(template, str):
            raise ModelError(f"{folder}: chat template {name!r:.40} is damaged; save it again")
    return found


def _text(path: Path, folder: Path) -> str:
    check_inside(path, folder)
    try:
        if path.stat().st_size <= _LONGEST_TEMPLATE:
            return path.read_text(encoding="utf-8")
        reason = "larger than 1 MiB"
    except (OSError, ValueError) as exc:
        reason = str(exc)
    raise ModelError(f"{path}: cannot be read as a chat template ({reason}); save it again")


def _optional(folder: Path, file: str) -> dict[str, Any]:
    if not (folder / file).is_file():
        return {}
    check_inside(folder / file, folder)
    return read_tokenizer_json(folder, file)
