"""What the zoo's base would gain by training alone: the control for the quickstart's gain.

The base is trained as long as an expert was (200 steps, the same decaying rate), but on the
mixture of all five kinds; prints its mean bits per character on the test items.
"""

from pathlib import Path

from speciate.configs.zoo import make, score, train
from speciate.configs.zoo.corpus import KINDS, load

ZOO = Path(__file__).parents[2] / "configs" / "zoo"


def mean_bits(model: train.LlamaForCausalLM) -> float:
    """Over the five kinds."""
    found = score.measure(model, ZOO / "tasks")["bits_per_character"]
    return sum(found.values()) / len(found)


def main() -> None:
    """Trains and prints."""
    model = train.load(ZOO / "models" / "base")
    print(f"base: {mean_bits(model):.4f}")
    texts = load()
    mixture = [texts[kind]["train"] for kind in KINDS]
    train.train(model, mixture, make.EXPERT_STEPS, make.EXPERT_RATE, make.SEED, lambda: None)
    print(f"base after {make.EXPERT_STEPS} more steps: {mean_bits(model):.4f}")


if __name__ == "__main__":
    main()
