"""What a model is worth on the zoo's items."""

from pathlib import Path
from typing import Any

import torch
from transformers import LlamaForCausalLM

from speciate.configs.zoo.corpus import KINDS
from speciate.configs.zoo.items import CHOICE, read
from speciate.configs.zoo.train import encode

BATCH = 100


@torch.inference_mode()
def log_probabilities(model: LlamaForCausalLM, texts: list[str]) -> torch.Tensor:
    """Natural logarithms per character, float32 of shape (texts, length); one length for all."""
    parts = []
    for ids in torch.split(encode(texts), BATCH):
        logits = model(input_ids=ids[:, :-1], use_cache=False).logits.float()
        parts.append(logits.log_softmax(-1).gather(-1, ids[:, 1:, None]).squeeze(-1))
    return torch.cat(parts)


def bits(model: LlamaForCausalLM, items: list[dict[str, Any]]) -> float:
    """Bits per character over all texts; lower is better."""
    found = log_probabilities(model, [item["text"] for item in items])
    return -float(found.mean()) / float(torch.tensor(2.0).log())


def choice(model: LlamaForCausalLM, items: list[dict[str, Any]]) -> float:
    """Share of items whose likeliest continuation is the right one."""
    texts = [item["prompt"] + ending for item in items for ending in item["choices"]]
    sums = log_probabilities(model, texts)[:, -CHOICE:].sum(-1).view(len(items), -1)
    return float((sums.argmax(-1) == torch.tensor([i["answer"] for i in items])).float().mean())


@torch.inference_mode()
def complete(model: LlamaForCausalLM, items: list[dict[str, Any]]) -> float:
    """Share of items whose greedy continuation is the answer, character by character."""
    ids, answers = (encode([item[key] for item in items]) for key in ("prompt", "answer"))
    for _ in range(answers.shape[1] - 1):
        logits = model(input_ids=ids, use_cache=False).logits[:, -1]
        ids = torch.cat([ids, logits.argmax(-1, keepdim=True)], dim=1)
    size = answers.shape[1] - 1
    return float((ids[:, -size:] == answers[:, 1:]).all(-1).float().mean())


def measure(model: LlamaForCausalLM, tasks: Path, part: str = "test") -> dict[str, Any]:
    """All figures of one model on one part, rounded to four places."""
    return {
        "bits_per_character": {
            kind: round(bits(model, read(tasks / f"{kind}.{part}.jsonl")), 4) for kind in KINDS
        },
        "choice": round(choice(model, read(tasks / f"choice.{part}.jsonl")), 4),
        "complete": round(complete(model, read(tasks / f"complete.{part}.jsonl")), 4),
    }
