"""What a mergekit config becomes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple


class ParentFolder(NamedTuple):
    """A parent of the recipe.

    Attributes:
        path: Folder of the model.
        role: Part that it plays: model or base.
        adapter: Folder of a LoRA adapter that is put on it first.
    """

    path: Path
    role: str
    adapter: Path | None = None


@dataclass(frozen=True)
class Translation:
    """A recipe, and what else the child of a mergekit config has.

    Attributes:
        operator: Name of the operator.
        parents: In the operator's order.
        parameters: Of the operator, as a recipe file would have them.
        dtype: float32, bfloat16 or float16; None keeps that of the parents.
        tokenizer: Whose vocabulary the child has, where they may differ: "base" for that of the
            base or else the first parent, "union", or the path of a parent.
        chat_template: Folder of the parent whose chat template the tokenizer gets.
        template_text: Text of the template that it gets, if no parent has it.
        notes: Where the child will differ from mergekit's, one line each.
    """

    operator: str
    parents: tuple[ParentFolder, ...]
    parameters: Mapping[str, Any]
    dtype: str | None = None
    tokenizer: str | None = None
    chat_template: Path | None = None
    template_text: str | None = None
    notes: tuple[str, ...] = ()

    def content(self) -> dict[str, Any]:
        """The same as a recipe file says it."""
        parents = [
            {"path": str(one.path), "role": one.role}
            | ({"adapter": str(one.adapter)} if one.adapter else {})
            for one in self.parents
        ]
        said = {
            "operator": self.operator,
            "parents": parents,
            "parameters": dict(self.parameters),
            "dtype": self.dtype,
            "tokenizer": self.tokenizer,
            "chat_template": self.chat_template and str(self.chat_template),
            "chat_template_text": self.template_text,
            "notes": list(self.notes) or None,
        }
        return {key: value for key, value in said.items() if value is not None}
