"""What was asked and answered: one file a request, named by the request's digest."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from speciate.chat import Reply, Usage
from speciate.configs.chat import Recording
from speciate.errors import ChatError
from speciate.files import write_whole
from speciate.records import digest_of


class Record:
    """A folder of replies, which several processes may use at once.

    A request is known by what decides its reply (model, messages, schema, sampling), and not by
    where it is sent.
    """

    def __init__(self, settings: Recording) -> None:
        """Uses a folder that is made when first written to."""
        given = settings.folder
        self._folder = Path(given).expanduser() if given else _default_folder()
        self._replay = settings.replay

    def get(self, request: Mapping[str, Any]) -> Reply | None:
        """The reply to a request; None if there is none yet, or its file cannot be read.

        Raises:
            ChatError: There is none, and nobody may be asked.
        """
        try:
            data = json.loads(self._file(request).read_bytes())
            usage = Usage(**data["usage"])
            return Reply(str(data["reply"]), usage, bool(data["whole"]), recorded=True)
        except (OSError, ValueError, KeyError, TypeError):
            if self._replay:
                raise ChatError(
                    f"{self._folder}: no reply to this request of '{request['model']}' is recorded "
                    f"({digest_of(request)[:10]}); set replay = false to ask"
                ) from None
            return None

    def put(self, request: Mapping[str, Any], reply: Reply) -> None:
        """Writes request and reply whole or not at all."""
        data = {
            "request": request,
            "reply": reply.text,
            "whole": reply.whole,
            "usage": {"input": reply.usage.input, "output": reply.usage.output},
        }
        write_whole(self._file(request), json.dumps(data, indent=1, sort_keys=True).encode())

    def _file(self, request: Mapping[str, Any]) -> Path:
        digest = digest_of(request)
        return self._folder / digest[:2] / f"{digest}.json"


def _default_folder() -> Path:
    """In the user's cache."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "speciate" / "chat"
