"""Who works on a campaign: this process alone, or workers on a cluster."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

from speciate.configs import schema
from speciate.evaluator.start import start_engine
from speciate.worker import Setup, Start
from speciate.workers import InProcess, Workers

Tell = Callable[[Mapping[str, Any]], None]


@contextmanager
def joined(address: str | None, config: schema.Campaign) -> Iterator[None]:
    """Joins a Ray cluster, or starts Ray on this machine alone, until left.

    Raises:
        ClusterError: It cannot be reached, or has no room for a worker.
    """
    from speciate.cluster.connection import join, leave

    join(address, config)
    try:
        yield
    finally:
        leave()


@contextmanager
def employed(
    setup: Setup, tell: Tell, start: Start | None, address: str | None
) -> Iterator[Workers]:
    """Workers with their engines, until left.

    Args:
        setup: What each begins with.
        tell: Takes what happens to them, for the telemetry.
        start: Starts an engine in this process, instead of on a cluster.
        address: Of the cluster, which has been joined; if None, Ray is started here.

    Raises:
        SpeciateError: No engine starts.
    """
    if start is not None or setup.config.cluster.workers == 0:
        yield from _here(setup, tell, start or start_engine)
        return
    from speciate.cluster.workers import RayWorkers

    with nullcontext() if address else joined(None, setup.config):
        workers = RayWorkers(setup, tell)
        try:
            yield workers
        finally:
            workers.close()


def _here(setup: Setup, tell: Tell, start: Start) -> Iterator[Workers]:
    workers = InProcess(setup, start)
    hello = workers.hello
    tell({"engine": hello.fingerprint, "start_seconds": hello.start_seconds})
    try:
        yield workers
    finally:
        workers.close()
