"""The command line of bubblewrap: what a program sees, who it is, and what the kernel limits."""

import os
import resource
import secrets
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from subprocess import Popen

from speciate.sandbox.program import Limits, Program
from speciate.sandbox.seccomp import filter_program

MIB = 2**20
SCRATCH = "/tmp"  # noqa: S108 - inside, it is the sandbox's own
_PROGRAM, _LAUNCHER = "/program", "/launcher.py"
_INTERPRETER = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
_ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": SCRATCH,
    "LANG": "C.UTF-8",
    # Sets of strings have one order, and so programs one behaviour.
    "PYTHONHASHSEED": "0",
}
_NOBODY, _UNUSED = 65534, (1_900_000_000, 2_100_000_000)
_OPEN_FILES, _STACK_MB = 64, 8
_DEVICES = ("null", "zero", "full", "random", "urandom")


def python(*arguments: str) -> list[str]:
    """Command line of the running Python, which finds its standard library and /program."""
    return [str(_INTERPRETER), "-P", "-s", "-S", "-B", *arguments]


def start(
    bwrap: str,
    program: Program,
    limits: Limits,
    ends: tuple[int, int, int],
    ours: tuple[int, int, int],
) -> "Popen[bytes]":
    """Starts bubblewrap.

    Args:
        bwrap: Its path.
        program: What to run.
        limits: What it may use.
        ends: Descriptors that become its standard input, output and error.
        ours: Descriptors of pipes: of the launcher to be told that it may begin, and to say what
            came of it; of bubblewrap to name its process.

    Raises:
        OSError: There is no memory, process or descriptor left.
        ValueError: A path of a file leads out of its folder.
    """
    go, said, news = ours
    with ExitStack() as stack:
        paths = {f"{_PROGRAM}/{_inside(path)}": data for path, data in program.files.items()}
        paths[_LAUNCHER] = Path(__file__).with_name("launcher.py").read_bytes()
        files = {path: _readable(data, stack) for path, data in paths.items()}
        seccomp = _readable(filter_program(), stack)
        who, user = _identity()
        command = [
            *(bwrap, *who, *_namespaces(), *_mounts(program, limits, files)),
            *("--seccomp", str(seccomp), "--info-fd", str(news), "--"),
            # Isolated, unlike the program: it must not find the program's files.
            *(str(_INTERPRETER), "-I", "-S", "-B", _LAUNCHER, str(go), str(said), user),
            *(*_limits(limits), "--", *program.argv),
        ]
        return Popen(
            command,
            stdin=ends[0],
            stdout=ends[1],
            stderr=ends[2],
            env={**_ENVIRONMENT, "PYTHONPATH": ":".join([_PROGRAM, *_package_folders(program)])},
            pass_fds=[*files.values(), seccomp, *ours],
            # Ctrl-C is for the campaign, which first lets be completed what runs.
            start_new_session=True,
        )


def _readable(data: bytes, stack: ExitStack) -> int:
    """A descriptor to read some bytes from."""
    fd = os.memfd_create("sandbox")
    stack.callback(os.close, fd)
    with open(fd, "wb", closefd=False) as file:
        file.write(data)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _inside(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or ".." in parts or parts[0] == "/" or "\0" in path:
        raise ValueError(f"{path!r} is no relative path of a file")
    return "/".join(parts)


def _identity() -> tuple[list[str], str]:
    """Options that make the program nobody, and the user that it becomes afterwards, or "-".

    The kernel does not limit the number of root's processes, whatever namespace they are in. So
    root's programs run as a user that nobody else is, and all others as nobody in a namespace.
    """
    if os.geteuid() == 0:
        kept = ("--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID")
        return ["--cap-drop", "ALL", *kept], str(_stranger())
    user = ("--unshare-user", "--disable-userns", "--uid", str(_NOBODY), "--gid", str(_NOBODY))
    return [*user, "--cap-drop", "ALL"], "-"


def _stranger() -> int:
    """A user that systemd's conventions leave unused, or, in a container, one that it may have."""
    lines = Path("/proc/self/uid_map").read_text(encoding="ascii").splitlines()
    count, first = max((int(line.split()[2]), int(line.split()[0])) for line in lines)
    low, high = (first + count // 2, first + count) if count < 2**31 else _UNUSED
    return low + secrets.randbelow(high - low)


def _limits(limits: Limits) -> list[str]:
    wanted = {
        "AS": limits.memory_mb * MIB,
        "CORE": 0,
        "CPU": limits.cpu_s,
        "FSIZE": limits.disk_mb * MIB,
        "NOFILE": _OPEN_FILES,
        # The launcher counts where it is the same user.
        "NPROC": limits.processes + (os.geteuid() != 0),
        "STACK": _STACK_MB * MIB,
    }
    return [f"RLIMIT_{name}={_at_most(name, value)}" for name, value in wanted.items()]


def _at_most(name: str, wanted: int) -> int:
    """What is wanted, or the less that we have ourselves."""
    hard = resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))[1]
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)


def _namespaces() -> list[str]:
    names = ("ipc", "pid", "net", "uts", "cgroup-try")
    ends = ("--as-pid-1", "--die-with-parent", "--new-session", "--hostname", "sandbox")
    return [*(f"--unshare-{name}" for name in names), *ends]


def _mounts(program: Program, limits: Limits, files: Mapping[str, int]) -> list[str]:
    """All that the program sees; files are given with descriptors to read them from."""
    size = str(limits.disk_mb * MIB)
    return [
        *_system(),
        *("--proc", "/proc"),
        # The launcher has no limits, and so must not be written into.
        *("--perms", "0000", "--size", "4096", "--tmpfs", "/proc/1", "--remount-ro", "/proc/1"),
        *_above("/dev/null"),
        *(part for name in _DEVICES for part in ("--dev-bind", f"/dev/{name}", f"/dev/{name}")),
        *("--perms", "1777", "--size", size, "--tmpfs", SCRATCH),
        *_python(),
        *(part for at, path in _packages(program) for part in _shown(path, at)),
        *_above(f"{_PROGRAM}/any"),
        *(part for path, fd in files.items() for part in _file(path, fd)),
        *("--remount-ro", "/", "--chdir", SCRATCH),
    ]


def _system() -> list[str]:
    """Programs and libraries; of the settings only where libraries are."""
    found = ["--ro-bind", "/usr", "/usr"]
    for path in map(Path, ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")):
        if path.is_symlink():
            found += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            found += ["--ro-bind", str(path), str(path)]
    cache = "/etc/ld.so.cache"
    return [*found, *_above(cache), "--ro-bind-try", cache, cache]


def _python() -> list[str]:
    """The running Python, where it is; not all of its prefix, which may be somebody's home."""
    prefix = _INTERPRETER.parents[1]
    places = {_INTERPRETER, *(prefix / name for name in ("lib", sys.platlibdir))}
    outside = [path for path in sorted(places) if not path.is_relative_to("/usr") and path.exists()]
    return [part for path in outside for part in _shown(str(path), str(path))]


def _package_folders(program: Program) -> dict[str, str]:
    """Folders of installed packages, by where the program sees them."""
    places = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    found = [path for path in places if program.packages and Path(path).is_dir()]
    return {f"/packages/{number}": path for number, path in enumerate(found)}


def _packages(program: Program) -> Iterator[tuple[str, str]]:
    """What the program sees of them, and where."""
    for at, path in _package_folders(program).items():
        if program.packages is True:
            yield at, path
            continue
        for name in program.packages or ():
            if (Path(path) / name).is_dir():
                yield f"{at}/{name}", f"{path}/{name}"


def _shown(path: str, at: str) -> list[str]:
    return [*_above(at), "--ro-bind", path, at]


def _file(path: str, fd: int) -> list[str]:
    return [*_above(path), "--perms", "0444", "--file", str(fd), path]


def _above(path: str) -> list[str]:
    """Makes the folders above a path, so that everybody may enter them."""
    folders = [str(folder) for folder in reversed(PurePosixPath(path).parents)][1:]
    return [part for folder in folders for part in ("--perms", "0755", "--dir", folder)]
