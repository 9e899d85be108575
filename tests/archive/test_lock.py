import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from speciate.archive.archive import Archive
from speciate.archive.lock import CampaignLock
from speciate.errors import ArchiveError

HOLD = """
import sys
from pathlib import Path
from speciate.archive.lock import CampaignLock
lock = CampaignLock.take(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_campaign_is_told_who_runs_the_first(campaign: Path) -> None:
    command = [sys.executable, "-P", "-c", HOLD, str(campaign)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        who = f"process {holder.pid} on {socket.gethostname()}"
        with pytest.raises(ArchiveError, match=f"is run by {who}; wait for it or stop it"):
            Archive.open(campaign, writable=True)
        assert Archive.open(campaign).fsck() == []
        holder.kill()
        holder.wait()
    Archive.open(campaign, writable=True).close()


def test_the_same_process_is_refused_too(tmp_path: Path) -> None:
    with (
        Archive.create(tmp_path / "x", {}),
        pytest.raises(ArchiveError, match=f"process {os.getpid()} "),
    ):
        Archive.open(tmp_path / "x", writable=True)
    Archive.open(tmp_path / "x", writable=True).close()


def test_a_lock_is_released_once(tmp_path: Path) -> None:
    lock = CampaignLock.take(tmp_path)
    lock.release()
    lock.release()
    CampaignLock.take(tmp_path).release()


def test_a_holder_that_has_not_said_who_it_is(tmp_path: Path) -> None:
    lock = CampaignLock.take(tmp_path)
    (tmp_path / "lock").write_text("")
    with pytest.raises(ArchiveError, match="run by another process"):
        CampaignLock.take(tmp_path)
    lock.release()


def test_a_folder_that_cannot_hold_a_lock(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="No such file or directory; check its owner"):
        CampaignLock.take(tmp_path / "missing")
