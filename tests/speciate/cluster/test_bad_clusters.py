"""What cannot work on a cluster is said in one line, before founders are looked at."""

import socket
from typing import Any

import pytest


def test_nobody_answers(bench: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = bench.campaign(models=("nowhere", "neither"))
    said = bench.refused_run(config, "--address", f"127.0.0.1:{port}")
    assert said.startswith(f"no cluster answers at 127.0.0.1:{port} (")
    assert "ray start --head" in said


@pytest.mark.parametrize("address", ["here", "ray://127.0.0.1:1", "127.0.0.1:", ":1"])
def test_no_address(bench: Any, address: str) -> None:
    said = bench.refused_run(bench.campaign(), "--address", address)
    assert said == f"'{address}' is no address of a cluster; give host:port, or auto"


def test_too_few_gpus(bench: Any, cluster: Any) -> None:
    config = bench.campaign(models=("nowhere", "neither"))
    options = ["--address", cluster.address, "--set", "cluster.gpus=2"]
    said = bench.refused_run(config, *options, "--set", "cluster.workers=1")
    assert said.startswith("a worker needs 1 CPUs and 2 GPUs, the largest nodes of ")
    assert "cluster.wait_s" in said
