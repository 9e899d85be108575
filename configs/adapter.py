"""What of a LoRA adapter's own config decides its update."""

import re
from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field

CONFIG = "adapter_config.json"
V = TypeVar("V")


class AdapterConfig(BaseModel):
    """The fields that matter for the update s B A of each module; others are left aside."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    base_model_name_or_path: str | None = None
    task_type: str | None = None
    r: int = Field(8, ge=1)
    lora_alpha: float = Field(8, allow_inf_nan=False)
    use_rslora: bool = False
    fan_in_fan_out: bool = False
    rank_pattern: Mapping[str, int] | None = None
    alpha_pattern: Mapping[str, float] | None = None

    def rank(self, module: str) -> int:
        """Rank of a module's factors."""
        return _matching(self.rank_pattern or {}, module, self.r)

    def scale(self, module: str) -> float:
        """The s of a module's update s B A."""
        alpha = _matching(self.alpha_pattern or {}, module, self.lora_alpha)
        rank = self.rank(module)
        return float(alpha / rank**0.5 if self.use_rslora else alpha / rank)


def _matching(pattern: Mapping[str, V], module: str, default: V) -> V:
    """PEFT's rule: the first key that, as an expression, is the last parts of the name."""
    for key, value in pattern.items():
        if re.match(rf"(.*\.)?({key})$", module):
            return value
    return default
