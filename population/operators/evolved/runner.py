"""Run in a sandbox of its own: carries an operator's source out on one tensor after the other.

Each request is worked on by a process of its own, forked from one in which the source never ran. So
nothing can be remembered from one tensor to the next: no variable, no changed numpy, no file, no
process. Nothing that is answered is to be believed.
"""

import contextlib
import ctypes
import json
import math
import mmap
import os
import resource
import signal
import sys
import time
import traceback
import warnings
from types import CodeType
from typing import Any

# Sums have one order, and threads are not allowed.
os.environ.update(
    dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
)

import numpy as np
import numpy.fft
import numpy.linalg
import numpy.random

from speciate.population.operators.evolved.wire import (
    BASE,
    LONGEST,
    METADATA,
    MODEL,
    RESULT,
    header,
    parsed,
)

SOURCE, SCRATCH, NAME = "/program/source.txt", "/tmp", "operator.py"  # noqa: S108
_PAGE, _DONE, _FAILED = 1 << 14, 1, 2
_NOT_DUMPABLE = 4  # PR_SET_DUMPABLE of <sys/prctl.h>


def main() -> None:
    """Answers until nobody asks any more."""
    source, sink = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    # What is forked from here runs as the same user, and must not write into this process.
    ctypes.CDLL(None).prctl(_NOT_DUMPABLE, 0, 0, 0, 0)
    warnings.simplefilter("ignore")
    with open(SOURCE, encoding="utf-8") as file:  # noqa: PTH123
        code = compile(file.read(), NAME, "exec", dont_inherit=True)
    while length := int.from_bytes(_read(source, memoryview(bytearray(8))), "little"):
        # Pages of its own, so that data lie in the same way each time.
        request = mmap.mmap(-1, length, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        _read(source, memoryview(request))
        _answer(sink, code, request)
        request.close()


def _read(fd: int, into: memoryview) -> memoryview:
    """Fills a buffer; ends the process when nobody writes any more."""
    left = into
    while left:
        count = os.readv(fd, [left])
        if not count:
            os._exit(0)
        left = left[count:]
    return into


def _answer(sink: int, code: CodeType, request: mmap.mmap) -> None:
    entries, _ = parsed(request)
    (shape,) = {tuple(one["shape"]) for name, one in entries.items() if name != METADATA}
    nbytes = 4 * math.prod(shape)
    area = mmap.mmap(-1, _PAGE + nbytes)
    said = entries[METADATA]
    limits = {name: int(said[name]) for name in ("memory", "cpu_s")}
    worker = os.fork()
    if worker == 0:
        _work(code, request, area, limits)
    _, status, used = os.wait4(worker, 0)
    _sweep()
    if area[0] == _DONE:
        _write(sink, [header({RESULT: shape}), memoryview(area)[_PAGE:]])
    else:
        text = _told(area) or _ended(status, used.ru_utime + used.ru_stime, limits)
        _write(sink, [header({}, {"error": text})])


def _write(sink: int, parts: list[Any]) -> None:
    views = [memoryview(part) for part in parts]
    length = sum(view.nbytes for view in views)
    for view in (memoryview(length.to_bytes(8, "little")), *views):
        left = view
        while left:
            left = left[os.write(sink, left) :]


def _sweep() -> None:
    """Nothing is left of a request: neither processes nor files.

    Raises:
        RuntimeError: It has left files, so that this process is of no more use.
    """
    with contextlib.suppress(ProcessLookupError):
        while True:
            os.kill(-1, signal.SIGKILL)
            time.sleep(0.001)
    if os.listdir(SCRATCH):  # noqa: PTH208
        raise RuntimeError("the operator left files behind")


def _told(area: mmap.mmap) -> str:
    size = int.from_bytes(area[1:4], "little") if area[0] == _FAILED else 0
    return area[4 : 4 + min(size, 4 * LONGEST)].decode("utf-8", "replace")[:LONGEST]


def _ended(status: int, seconds: float, limits: dict[str, int]) -> str:
    if seconds > limits["cpu_s"] - 0.5:
        return f"took more than {limits['cpu_s']} s of processor time"
    code = os.waitstatus_to_exitcode(status)
    return f"was ended by signal {-code}" if code < 0 else f"ended itself with status {code}"


def _work(code: CodeType, request: mmap.mmap, area: mmap.mmap, limits: dict[str, int]) -> None:
    """In the new process: from here on, the source may do its worst."""
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    for kind, most in (("AS", limits["memory"]), ("CPU", limits["cpu_s"])):
        resource.setrlimit(getattr(resource, f"RLIMIT_{kind}"), (most, most))
    try:
        _merge(code, request, area)
        area[0] = _DONE
    except BaseException as exc:  # SystemExit, too.
        text = _words(exc).encode("utf-8", "replace")[: 4 * LONGEST]
        area[1:4], area[4 : 4 + len(text)] = len(text).to_bytes(3, "little"), text
        area[0] = _FAILED
    finally:
        os._exit(0)


def _merge(code: CodeType, request: mmap.mmap, area: mmap.mmap) -> None:
    entries, start = parsed(request)
    said, shape, arrays = entries.pop(METADATA), (), {}
    for name, one in entries.items():
        shape = tuple(one["shape"])
        offset, count = start + one["data_offsets"][0], math.prod(shape)
        arrays[name] = np.frombuffer(request, "<f4", count, offset).reshape(shape)
        arrays[name].flags.writeable = False
    base = arrays.pop(BASE, None)
    random = np.random.Generator(np.random.Philox(key=int(said["key"], 16)))
    models = [arrays[f"{MODEL}.{number}"] for number in range(len(arrays))]
    names: dict[str, Any] = {"__name__": "operator"}
    exec(code, names)  # noqa: S102 - it is what this sandbox is for
    found = names["merge"](models, base, json.loads(said["parameters"]), random)
    if not isinstance(found, np.ndarray):
        raise TypeError(f"merge returned a {type(found).__name__}, not an array")
    if found.dtype != np.float32:
        raise TypeError(f"merge returned {found.dtype}, not float32")
    if found.shape != shape:
        raise TypeError(f"merge returned the shape {found.shape}, not {shape}")
    np.frombuffer(area, "<f4", math.prod(shape), _PAGE).reshape(shape)[...] = found


def _words(exc: BaseException) -> str:
    """What went wrong, and in which line of the source."""
    lines = [one.lineno for one in traceback.extract_tb(exc.__traceback__) if one.filename == NAME]
    where = f" (line {lines[-1]})" if lines else ""
    return f"{type(exc).__name__}: {exc}"[: LONGEST - 20] + where


if __name__ == "__main__":
    main()
    sys.exit()
