import socket
from pathlib import Path

from speciate.archive.telemetry import Telemetry


def test_lines_read_back_in_order(tmp_path: Path) -> None:
    telemetry = Telemetry(tmp_path / "telemetry.jsonl")
    assert telemetry.read() == []
    telemetry.append({"stage": "breed", "seconds": 0.5})
    telemetry.append({"stage": "evaluate\n", "host": "node-7", "time": 1.0})
    first, second = telemetry.read()
    assert first["host"] == socket.gethostname()
    assert first["stage"] == "breed"
    assert second == {"stage": "evaluate\n", "host": "node-7", "time": 1.0}


def test_a_torn_line_is_left_out_and_spoils_no_other(tmp_path: Path) -> None:
    telemetry = Telemetry(tmp_path / "telemetry.jsonl")
    telemetry.append({"step": 1})
    with telemetry.path.open("ab") as file:
        file.write(b'{"step": "\xc3')
    assert [facts["step"] for facts in telemetry.read()] == [1]
    telemetry.append({"step": 2})
    assert [facts["step"] for facts in telemetry.read()] == [1, 2]
