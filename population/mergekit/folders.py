"""Model folders as far as a config is about them: where they are, how deep, how they chat."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from speciate.errors import ConfigError, ModelError
from speciate.population.mergekit.schema import Location, Reference

_DEPTHS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")


class Found(NamedTuple):
    """A model that a config refers to."""

    path: Path
    adapter: Path | None = None


class Finder:
    """Finds folders where mergekit does, in the working directory, or else beside the config."""

    def __init__(self, config: Path) -> None:
        """Takes the path of the config."""
        self._beside = config.parent

    def model(self, reference: Reference) -> Found:
        """The folders of a model and of its adapter.

        Raises:
            ConfigError: One is not there.
        """
        adapter = None if reference.lora is None else self.folder(reference.lora)
        return Found(self.folder(reference.model), adapter)

    def folder(self, location: Location) -> Path:
        """The folder of a model or adapter.

        Raises:
            ConfigError: It is not there.
        """
        given = Path(location.path)
        for path in (given, self._beside / given):
            if path.is_dir():
                return path
        hint = "check the path"
        if given.parts and len(given.parts) == 2 and not given.is_absolute():
            hint = (
                "if it is a repository of the Hugging Face hub, download it "
                f"(hf download {location.path}) and give that folder"
            )
        raise ConfigError(f"{location.path}: no such folder; {hint}")


def layers_of(folder: Path) -> int:
    """Number of transformer blocks that config.json names.

    Raises:
        ModelError: It names none, or cannot be read.
    """
    config = _json(folder / "config.json")
    for part in (config, config.get("text_config")):
        for key in _DEPTHS:
            if isinstance(part, dict) and isinstance(part.get(key), int):
                return int(part[key])
    raise ModelError(
        f"{folder}: config.json does not say how many layers the model has; add num_hidden_layers"
    )


def template_of(folder: Path) -> str:
    """Of the tokenizer; the default one, if it has several; empty if it has none."""
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_text(encoding="utf-8").strip()
    if not (folder / "tokenizer_config.json").is_file():
        return ""
    template = _json(folder / "tokenizer_config.json").get("chat_template")
    if isinstance(template, list):
        named = {one.get("name"): one.get("template") for one in template if isinstance(one, dict)}
        template = named.get("default")
    return template.strip() if isinstance(template, str) else ""


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as exc:
        raise ModelError(f"{path}: cannot be read ({exc}); fetch the model again") from exc
    if not isinstance(value, dict):
        raise ModelError(f"{path}: not a JSON object; fetch the model again")
    return value
