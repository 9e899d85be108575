"""What tests share: the zoo, and one real engine of each kind for the whole session."""

import importlib.resources
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from speciate.configs.schema import Transformers, Vllm
from speciate.evaluator import Engine

# Read when torch and transformers are first imported; see speciate.cli.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

_LONGEST_CHAT = 32768
KINDS = ("library", "english", "headers", "tests")
MODULES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
ZOO = Path(str(importlib.resources.files("speciate.configs"))) / "zoo"


_OF_VLLM = {"vllm", "vllm_of_adapters"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`make test` runs several processes: tests that share a slow start go to one of them.

    Those are the ones that use the same vLLM, as a fixture or as a parameter, or that lie in one
    folder beside their fixtures.
    """
    for item in items:
        inner = item.path.relative_to(Path(__file__).parent).parts
        called = getattr(item, "callspec", None)
        named = {one for one in called.params.values() if isinstance(one, str)} if called else set()
        wants = _OF_VLLM & {*getattr(item, "fixturenames", ()), *named}
        item.add_marker(pytest.mark.xdist_group("vllm" if wants else "/".join(inner[:2])))


class Shared:
    """An engine that outlives the campaigns it serves: closing it is left to the session."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.fingerprint, self.limit, self.starts = engine.fingerprint, engine.limit, engine.starts
        self.load, self.load_tensors = engine.load, engine.load_tensors
        self.load_adapters = engine.load_adapters
        self.logprobs, self.generate = engine.logprobs, engine.generate

    def close(self) -> None: ...


@pytest.fixture(autouse=True)
def cache_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: Any) -> None:
    """Nothing is remembered between tests, nor written to the user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def patiently() -> Callable[[Callable[[], bool]], bool]:
    """Tells whether something becomes true within a minute."""

    def wait(condition: Callable[[], bool]) -> bool:
        end = time.monotonic() + 60
        while not condition() and time.monotonic() < end:
            time.sleep(0.05)
        return condition()

    return wait


@pytest.fixture(scope="session")
def zoo() -> Path:
    """Folder of the shipped models and tasks."""
    return ZOO


@pytest.fixture(scope="session")
def vllm() -> Iterator[Engine]:
    """A real vLLM engine on the zoo's base."""
    from speciate.evaluator.engine import VllmEngine

    engine = VllmEngine(Vllm(type="vllm"), ZOO / "models" / "base")
    yield Shared(engine)
    engine.close()


@pytest.fixture(scope="session")
def vllm_of_adapters() -> Iterator[Engine]:
    """A real vLLM engine on the zoo's base that takes up to three adapters at once."""
    from speciate.evaluator.engine import VllmEngine

    config = Vllm(type="vllm", adapters=3, adapter_rank=8, adapter_modules=MODULES)
    engine = VllmEngine(config, ZOO / "models" / "base")
    yield Shared(engine)
    engine.close()


@pytest.fixture(scope="session")
def transformers() -> Engine:
    """The embedded engine on the zoo's base."""
    from speciate.evaluator.hf import TransformersEngine

    return Shared(TransformersEngine(Transformers(type="transformers"), ZOO / "models" / "base"))


@pytest.fixture(scope="session")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an adapter of rank 4 for each of some of the zoo's experts."""
    from speciate.population.adapters import extract_adapter
    from speciate.population.weights import Checkpoint

    folder = tmp_path_factory.mktemp("adapters")
    base = Checkpoint(ZOO / "models" / "base")
    for kind in KINDS:
        expert = Checkpoint(ZOO / "models" / kind)
        extract_adapter(base, expert, folder / kind, 4, targets=MODULES)
    return folder


@dataclass
class Said:
    """What a scripted server answers: a completion if it is text, or else this very body."""

    body: str | bytes | Mapping[str, Any] = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    finish: str = "stop"
    usage: Mapping[str, int] | None = field(
        default_factory=lambda: {"prompt_tokens": 100, "completion_tokens": 10}
    )
    wait_s: float = 0.0
    pieces: int = 1

    @property
    def bytes(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str) and self.status == 200:
            choice = {"index": 0, "finish_reason": self.finish}
            message = {"role": "assistant", "content": self.body}
            done = {"id": "x", "object": "chat.completion", "created": 0, "model": "m"}
            return json.dumps(
                {**done, "choices": [{**choice, "message": message}], "usage": self.usage}
            ).encode()
        body = {"error": {"message": self.body}} if isinstance(self.body, str) else self.body
        return json.dumps(body).encode()


class ChatServer:
    """An OpenAI-compatible server on this machine that answers by a rule.

    Attributes:
        rule: From the body of a request to what is said.
        asked: Bodies of all requests, in the order in which they came.
        headers: Of the requests.
        most: How many requests were under way at once.
    """

    def __init__(self) -> None:
        self.rule: Callable[[dict[str, Any]], Said | str] = lambda body: "fine"
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.most = 0
        self._under_way, self._lock = 0, threading.Lock()
        self.open()
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"

    def open(self, port: int = 0) -> None:
        self._http = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def open_again(self) -> None:
        """At the same address, after `close`."""
        self.open(self._http.server_port)

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def answer(self, body: dict[str, Any], headers: dict[str, str]) -> Said:
        with self._lock:
            self.asked.append(body)
            self.headers.append(headers)
            self._under_way += 1
            self.most = max(self.most, self._under_way)
            said = self.rule(body)
        said = said if isinstance(said, Said) else Said(said)
        time.sleep(said.wait_s)
        with self._lock:
            self._under_way -= 1
        return said

    def _handler(server) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                size = int(self.headers["Content-Length"])
                body = json.loads(self.rfile.read(size))
                self._send(server.answer(body, self._lower()))

            def do_GET(self) -> None:
                self._send(server.answer({"path": self.path}, self._lower()))

            def _lower(self) -> dict[str, str]:
                return {name.lower(): value for name, value in self.headers.items()}

            def _send(self, said: Said) -> None:
                content = said.bytes
                self.send_response(said.status)
                headers = {"Content-Type": "application/json", **said.headers}
                for name, value in (headers | {"Content-Length": str(len(content))}).items():
                    self.send_header(name, value)
                self.end_headers()
                step = -(-len(content) // said.pieces) or 1
                try:
                    for start in range(0, len(content), step):
                        self.wfile.write(content[start : start + step])
                        self.wfile.flush()
                        time.sleep(0.05 if said.pieces > 1 else 0)
                except OSError:
                    self.close_connection = True  # Who asked has lost patience.

            def log_message(self, *_: object) -> None: ...

        return Handler


@pytest.fixture(scope="session")
def new_chat_server() -> type[ChatServer]:
    """For servers that several tests share, and that are closed by who makes them."""
    return ChatServer


@pytest.fixture
def chat_server() -> Iterator[ChatServer]:
    server = ChatServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def said() -> type[Said]:
    """How to answer otherwise than with a completion."""
    return Said


@pytest.fixture(scope="session")
def vllm_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a real vLLM server that calls the zoo's base "tiny", with room for long prompts.

    Its replies follow JSON schemas without any white space: a model that knows nothing would write
    some for ever. Takes half a minute to start, so its tests are `nightly`.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {
        "model": ZOO / "models" / "base",
        "served-model-name": "tiny",
        "host": "127.0.0.1",
        "port": port,
        "max-model-len": _LONGEST_CHAT,
        "hf-overrides": json.dumps({"max_position_embeddings": _LONGEST_CHAT}),
        "structured-outputs-config": '{"backend": "xgrammar", "disable_any_whitespace": true}',
    }
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--enforce-eager"]
    # A seeded request whose prompt comes in several chunks kills vLLM 0.32 on a CPU.
    command += ["--no-enable-chunked-prefill", f"--max-num-batched-tokens={_LONGEST_CHAT}"]
    command += [f"--{name}={value}" for name, value in options.items()]
    ours = {"HF_HUB_OFFLINE": "1", "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1"}
    folder = tmp_path_factory.mktemp("server")
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            command, stdout=log, stderr=log, env=os.environ | ours, start_new_session=True
        )
    try:
        _await(server, f"http://127.0.0.1:{port}/health", folder / "log")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        # With the engine's process.
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _await(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    for _ in range(600):
        if server.poll() is not None:
            break
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.5)
    raise RuntimeError(f"the server does not start: {log.read_text()[-2000:]}")
