"""Real clients against the scripted server."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from speciate.chat.account import Account
from speciate.chat.endpoint import EndpointChat
from speciate.chat.record import Record
from speciate.configs.chat import Budget, Endpoint, Recording

Making = Callable[..., EndpointChat]


@pytest.fixture
def pauses() -> list[float]:
    """Seconds that a chat would have paused between tries."""
    return []


@pytest.fixture
def chat(chat_server: Any, tmp_path: Path, pauses: list[float]) -> Making:
    """Makes a chat with the scripted server, which does not really pause."""

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    def made(
        account: Account | None = None, replay: bool = False, seed: int = 0, **settings: Any
    ) -> EndpointChat:
        settings = {"base_url": chat_server.url, "model": "judge-1", "timeout_s": 5.0, **settings}
        record = Record(Recording(folder=str(tmp_path / "record"), replay=replay))
        return EndpointChat(Endpoint(**settings), record, account or Account(Budget()), seed, sleep)

    return made
