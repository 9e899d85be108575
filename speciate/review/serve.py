"""A small server for the review page, on this machine only."""

import secrets
import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn

from speciate.archive.archive import Archive
from speciate.errors import UsageError
from speciate.review.page import application

HOST = "127.0.0.1"


def prepare(folder: Path, port: int) -> tuple[uvicorn.Server, socket.socket, str]:
    """A server, the socket that it is to listen on, and the address to open, a secret.

    Args:
        folder: The campaign's.
        port: 0 for any that is free.

    Raises:
        ArchiveError: The folder is no archive, or git does not know who decides.
        UsageError: The port is taken.
    """
    archive, token = Archive.open(folder), secrets.token_urlsafe(32)
    archive.drafts.reviewer()
    try:
        listening = socket.create_server((HOST, port))
    except OSError as error:
        raise UsageError(f"port {port}: {error.strerror}; choose another --port") from error
    # No log of requests: it would hold the token.
    config = uvicorn.Config(
        application(archive, token),
        access_log=False,
        log_config=None,
        lifespan="off",
        ws="none",
        server_header=False,
    )
    url = f"http://{HOST}:{listening.getsockname()[1]}/{token}/"
    return uvicorn.Server(config), listening, url


def serve(folder: Path, port: int, tell: Callable[[str], None]) -> None:
    """Serves the page until Ctrl-C; `tell` is told where it is.

    Raises:
        UsageError: As `prepare`.
    """
    server, listening, url = prepare(folder, port)
    with listening:
        tell(url)
        server.run(sockets=[listening])
