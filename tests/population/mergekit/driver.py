"""Runs mergekit itself on many configs in one process, which takes seconds to start.

    python driver.py JOBS.json

JOBS.json is a list of [config, out]; out gets the child, or the file `error` with a message.
"""

import json
import sys
from pathlib import Path

import torch
import yaml
from mergekit.config import MergeConfiguration
from mergekit.merge import run_merge
from mergekit.options import MergeOptions


def main() -> None:
    torch.set_num_threads(1)
    options = MergeOptions(
        quiet=True, copy_tokenizer=False, write_model_card=False, random_seed=1, clone_tensors=True
    )
    for config, out in json.loads(Path(sys.argv[1]).read_text()):
        try:
            text = Path(config).read_text(encoding="utf-8")
            run_merge(MergeConfiguration.model_validate(yaml.safe_load(text)), out, options)
        except Exception as exc:
            Path(out).mkdir(exist_ok=True)
            (Path(out) / "error").write_text(f"{type(exc).__name__}: {exc}")


if __name__ == "__main__":
    main()
