"""Ctrl-C while an agent is silent."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from speciate.archive.archive import Archive
from speciate.evaluator import Engine
from speciate.session import run


def test_nobody_waits_for_an_agent_to_stop(
    campaign: Callable[..., Path],
    averaging: Any,
    said: Any,
    transformers: Engine,
    tmp_path: Path,
) -> None:
    path, out, quick = campaign(averaging.url), tmp_path / "out", averaging.rule

    def silent(body: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return said(quick(body), wait_s=60)

    averaging.rule = silent
    # Ignored where tests run in the background of a shell.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            run(path, out, start=lambda *_: transformers)
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - began < 50
    averaging.rule = quick
    run(path, out, start=lambda *_: transformers)
    assert Archive.open(out).report
