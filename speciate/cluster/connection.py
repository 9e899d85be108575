"""Joining a Ray cluster. The only module that imports ray."""

import os
import secrets
import socket
import time
from contextlib import chdir
from typing import Any

from speciate.configs import schema
from speciate.errors import ClusterError

LOOK_S = 1.0
REACH_S = 10.0


def join(address: str | None, config: schema.Campaign) -> None:
    """Connects this process to a cluster, or starts Ray on this machine alone.

    Raises:
        ClusterError: Nobody answers, or no node is large enough for one worker.
    """
    if address is None:
        # Ray's ports are open to the network: only who has this process' token may use them.
        # Read when ray is imported.
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    else:
        _reach(address)
    module = ray()
    try:
        # Ray has workers import from the current folder before all others, where a checkout's
        # `speciate/` would hide the installed package.
        with chdir("/"):
            module.init(
                address=address or "local",
                include_dashboard=False if address is None else None,
                configure_logging=False,
                log_to_driver=False,
            )
    except Exception as exc:  # Ray raises bare ones too, as where a busy machine starts it slowly.
        where = address or "this machine"
        raise ClusterError(
            f"Ray cannot be used on {where} ({first_line(exc)}); look at `ray status` there, or "
            "set cluster.workers = 0 to run without it"
        ) from exc
    try:
        _check_room(config, address)
    except BaseException:
        leave()
        raise


def leave() -> None:
    """Gives back what `join` took."""
    ray().shutdown()


def ray() -> Any:  # noqa: ANN401
    """The module, which takes a second, and reads its settings from the environment."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray as module

    return module


def _reach(address: str) -> None:
    """Whether anybody listens; Ray itself would try for minutes, and then end the process."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or "://" in address:
        raise ClusterError(f"'{address}' is no address of a cluster; give host:port, or auto")
    try:
        socket.create_connection((host, int(port)), REACH_S).close()
    except (OSError, OverflowError) as exc:
        raise ClusterError(
            f"no cluster answers at {address} ({exc}); start one there by `ray start --head`, or "
            "leave --address out to use this machine"
        ) from exc


def first_line(error: BaseException) -> str:
    """What an error says, or else its name."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def needs(config: schema.Campaign) -> dict[str, float]:
    """What a worker asks Ray for."""
    gpus = config.cluster.gpus
    if gpus is None:
        there = ray().cluster_resources().get("GPU", 0) > 0
        split = config.engine.tensor_parallel if isinstance(config.engine, schema.Vllm) else 1
        gpus = split if there and _uses_gpus(config.engine) else 0
    return {"CPU": config.cluster.cpus, "GPU": gpus}


def _uses_gpus(engine: schema.Engine) -> bool:
    return isinstance(engine, schema.Vllm) or engine.device.startswith("cuda")


def _check_room(config: schema.Campaign, address: str | None) -> None:
    """Whether some node is large enough; if not, waits for one as long as the campaign allows."""
    wanted = needs(config)
    end = time.monotonic() + config.cluster.wait_s
    while True:
        nodes = [node["Resources"] for node in ray().nodes() if node["Alive"]]
        for node in nodes:
            if all(node.get(name, 0) >= amount for name, amount in wanted.items()):
                return
        if time.monotonic() >= end:
            break
        time.sleep(LOOK_S)
    has = "; ".join(f"{n.get('CPU', 0):g} CPUs, {n.get('GPU', 0):g} GPUs" for n in nodes)
    raise ClusterError(
        f"a worker needs {wanted['CPU']:g} CPUs and {wanted['GPU']:g} GPUs, the largest nodes of "
        f"{address or 'this machine'} have: {has}; lower cluster.cpus, cluster.gpus or "
        "engine.tensor_parallel, or set cluster.wait_s to wait for a larger one"
    )
