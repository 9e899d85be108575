"""Section of tasks that EleutherAI's lm-evaluation-harness defines."""

import json
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from speciate.configs.tasks.common import TaskBase

# A split of the task's data and, in brackets, which of its documents.
PART = r"^([\w.+-]+)(?:\[([0-9]*):([0-9]*)\])?$"
Part = Annotated[str, Field(pattern=PART)]


class LmEval(TaskBase):
    """A task of the lm-evaluation-harness, answered by our own engine."""

    kind: Literal["lm_eval"]
    task: str = Field(min_length=1, description="Name that the harness knows, or its YAML file.")
    include: str | None = Field(None, description="Folder of YAML files, for names in them.")
    search: Part | None = Field(
        None, description="Documents that selection sees, such as validation or test[:100]."
    )
    test: Part | None = Field(None, description="Documents scored only at the end.")
    metric: Annotated[str, Field(min_length=1)] | None = Field(
        None, description="What is the score; the task's first metric if not given."
    )
    filter: Annotated[str, Field(min_length=1)] | None = Field(
        None, description="Whose answers are scored; the task's first filter if not given."
    )
    higher_is_better: bool = Field(True, description="Direction of the metric, as of the task.")
    num_fewshot: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Solved examples before each document; the task's own if not given."
    )
    generation: dict[str, Any] = Field(
        {}, description="Replaces entries of the task's generation_kwargs."
    )
    max_length: Annotated[int, Field(ge=2)] | None = Field(
        None, description="Tokens that a model reads at once; what is longer loses its beginning."
    )
    seed: Annotated[int, Field(ge=0, lt=2**63)] = Field(
        1234, description="Key of the choice of examples, and of sampling."
    )

    @field_validator("generation")
    @classmethod
    def _is_json(cls, generation: dict[str, Any]) -> dict[str, Any]:
        try:
            json.dumps(generation, allow_nan=False)
        except (TypeError, ValueError) as exc:
            raise ValueError(
                f"{exc}; give strings, finite numbers, booleans, lists, tables"
            ) from exc
        return generation

    @property
    def is_file(self) -> bool:
        """Whether `task` is a YAML file and no name."""
        return self.task.endswith((".yaml", ".yml"))
