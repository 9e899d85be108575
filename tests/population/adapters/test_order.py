"""U3 to the last bit for adapters."""

import json
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from speciate.population.adapters import OPERATORS, Adapter, breed_adapter


@pytest.mark.parametrize("operator", [one for one in OPERATORS if one.roles["adapter"].most != 1])
def test_no_byte_depends_on_the_order_of_adapters(operator: Any, tmp_path: Path) -> None:
    """Weights follow the adapters; full tensors are averaged in the same order."""
    config = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["q"]}
    for n in range(3):
        generator = torch.Generator().manual_seed(n)
        folder = tmp_path / f"a{n}"
        folder.mkdir()
        (folder / "adapter_config.json").write_text(
            json.dumps(config | {"modules_to_save": ["head"]})
        )
        tensors = {"base_model.model.head.weight": torch.randn(6, 12, generator=generator)}
        for letter, shape in (("A", (4, 12)), ("B", (10, 4))):
            key = f"base_model.model.q.lora_{letter}.weight"
            tensors[key] = torch.randn(*shape, generator=generator)
        save_file(tensors, folder / "adapter_model.safetensors")
    digests = set()
    for order in permutations(range(3)):
        weighted = "weights" in operator.parameters.model_fields
        given = {"weights": [(0.2, 0.3, 0.5)[n] for n in order]} if weighted else {}
        parents = {"adapter": [Adapter(tmp_path / f"a{n}") for n in order]}
        settings = operator.parameters.model_validate(given)
        digests.add(breed_adapter(operator, settings, parents, tmp_path / str(order), 0))
    assert len(digests) == 1
