"""Hostile programs that reach for the machine, its files, processes and network."""

import os
import platform
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

X86 = platform.machine() == "x86_64"


def numbered(calls: dict[str, tuple[int, int]]) -> list[int]:
    """Numbers of system calls, given for x86_64 and for aarch64."""
    return [number[0 if X86 else 1] for number in calls.values()]


def test_it_has_no_environment_of_ours(inside: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "hunter2")
    (found,) = inside.lines("print(sorted(os.environ))")
    assert found == "['HOME', 'LANG', 'PATH', 'PWD', 'PYTHONHASHSEED', 'PYTHONPATH']"


def test_files_of_the_machine_are_not_there(inside: Any, tmp_path: Path) -> None:
    key = tmp_path / "id_rsa"
    key.write_text("secret")
    paths = [key, "/etc/passwd", "/etc/shadow", Path.home() / ".ssh", "/var", "/home", "/work"]
    found = inside.lines(f"""
for path in {list(map(str, paths))}:
    tried(lambda: os.stat(path))
tried(lambda: sorted(os.listdir("/tmp")))
""")
    assert found == ["ENOENT"] * len(paths) + ["DONE []"]


def test_processes_of_the_machine_are_not_there(inside: Any) -> None:
    found = inside.lines(f"""
print(sorted(int(name) for name in os.listdir("/proc") if name.isdigit()), os.getppid())
tried(lambda: open("/proc/{os.getpid()}/environ").read())
""")
    assert found == ["[1, 2] 1", "ENOENT"]


def test_the_launcher_is_out_of_reach(inside: Any) -> None:
    found = inside.lines("""
for name in ("environ", "mem", "maps", "task/1/mem", "../2/task/../../1/mem"):
    tried(lambda: open(f"/proc/1/{name}", "rb").read(1))
for name in ("root", "fd", "cwd", "."):
    tried(lambda: os.listdir(f"/proc/1/{name}"))
for signum in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM):
    try:
        os.kill(1, signum)
    except PermissionError:
        pass
time.sleep(0.1)
tried(lambda: os.getppid())
tried(lambda: os.chmod("/proc/1", 0o777))
""")
    assert found[:10] == ["EACCES"] * 9 + ["DONE 1"]
    assert found[10] in ("EROFS", "EPERM")


def test_there_is_no_network(inside: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = inside.lines(f"""
import socket
address = ("127.0.0.1", {listener.getsockname()[1]})
tried(lambda: socket.create_connection(address, timeout=2))
for family in ("AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET", "AF_VSOCK", "AF_ALG"):
    tried(lambda: socket.socket(getattr(socket, family), socket.SOCK_RAW))
tried(lambda: socket.if_nameindex())
tried(lambda: bool(socket.socketpair()))
""")
        listener.settimeout(0.1)
        with pytest.raises(TimeoutError):
            listener.accept()
    assert found == ["EPERM"] * 8 + ["DONE True"]


def test_local_sockets_of_the_machine_are_not_there(inside: Any, tmp_path: Path) -> None:
    # Abstract names are the whole machine's, on which others may test at the same time.
    name = f"speciate-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as named, socket.socket(socket.AF_UNIX) as abstract:
        named.bind(str(tmp_path / "s"))
        abstract.bind(f"\0{name}")
        named.listen()
        abstract.listen()
        found = inside.lines(f"""
import socket
for name in ({str(tmp_path / "s")!r}, "\\0{name}"):
    tried(lambda: socket.socket(socket.AF_UNIX).connect(name))
""")
    assert found == ["ENOENT", "ECONNREFUSED"]


def test_nothing_outside_can_be_written(inside: Any) -> None:
    paths = ["/x", "/usr/x", "/usr/bin/env", "/program/main.py", "/program/x", "/launcher.py"]
    paths += ["/etc/x", "/dev/x", "/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger"]
    found = inside.lines(f"""
for path in {paths}:
    tried(lambda: open(path, "r+" if os.path.exists(path) else "w"))
""")
    assert set(found) <= {"EROFS", "EACCES", "EPERM", "ENOENT"}
    assert len(found) == len(paths)


def test_links_lead_nowhere(inside: Any) -> None:
    found = inside.lines("""
os.symlink("/etc/shadow", "/tmp/a")
os.symlink("/program/main.py", "/tmp/b")
os.symlink("../../../../../../root", "/tmp/c")
tried(lambda: open("/tmp/a").read())
tried(lambda: open("/tmp/b", "w"))
tried(lambda: os.link("/program/main.py", "/tmp/d"))
tried(lambda: os.listdir("/tmp/c/.ssh"))
for path in ("/proc/self/root/etc/shadow", "/proc/self/cwd/../etc/shadow"):
    tried(lambda: open(path).read())
""")
    assert found == ["ENOENT", "EROFS", "EXDEV", "ENOENT", "ENOENT", "ENOENT"]


def test_system_calls_that_lead_out_are_refused(inside: Any) -> None:
    calls = {
        "unshare": (272, 97),
        "setns": (308, 268),
        "clone": (56, 220),
        "ptrace": (101, 117),
        "process_vm_readv": (310, 270),
        "process_vm_writev": (311, 271),
        "kcmp": (312, 272),
        "bpf": (321, 280),
        "perf_event_open": (298, 241),
        "userfaultfd": (323, 282),
        "io_uring_setup": (425, 425),
        "keyctl": (250, 219),
        "add_key": (248, 217),
        "open_by_handle_at": (304, 265),
        "personality": (135, 92),
        "memfd_create": (319, 279),
        "shmget": (29, 194),
        "semget": (64, 190),
        "msgget": (68, 186),
    }
    # CLONE_NEWUSER is what some of them would be asked for.
    found = inside.lines(f"""
for number in {numbered(calls)}:
    tried(lambda: checked(libc.syscall(number, 0x10000000, 0, 0, 0, 0)))
""")
    assert dict(zip(calls, found, strict=True)) == dict.fromkeys(calls, "EPERM")


def test_new_ways_to_clone_are_unknown(inside: Any) -> None:
    assert inside.lines("tried(lambda: checked(libc.syscall(435, 0, 0)))") == ["ENOSYS"]


@pytest.mark.skipif(not X86, reason="other processors have no such calls")
def test_system_calls_of_other_modes_are_refused(inside: Any) -> None:
    x32 = "tried(lambda: checked(libc.syscall(0x40000000 + 39)))"
    assert inside.lines(x32) == ["EPERM"]
    ran = inside("""
import mmap
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(bytes.fromhex("b814000000cd80c3"))  # getpid, as a 32-bit program asks for it
address = ctypes.addressof(ctypes.c_char.from_buffer(page))
print("DONE", ctypes.CFUNCTYPE(ctypes.c_int)(address)())
""")
    assert ran.status in (128 + signal.SIGSYS, 128 + signal.SIGSEGV)


def test_nothing_can_be_mounted(inside: Any) -> None:
    found = inside.lines("""
tried(lambda: checked(libc.mount(b"tmpfs", b"/tmp", b"tmpfs", 0, b"size=1g")))
tried(lambda: checked(libc.mount(b"none", b"/usr", b"", 32 | 4096, b"")))
tried(lambda: checked(libc.umount2(b"/proc/1", 2)))
tried(lambda: os.chroot("/tmp"))
""")
    assert found == ["EPERM"] * 4


def test_nobody_becomes_somebody(inside: Any) -> None:
    found = inside.lines("""
for call in (os.setuid, os.setgid, os.seteuid):
    tried(lambda: call(0))
tried(lambda: os.setgroups([0]))
tried(lambda: os.chown("/tmp", 0, 0))
tried(lambda: os.mknod("/tmp/null", 0o20666, os.makedev(1, 3)))
tried(lambda: checked(libc.sethostname(b"x", 1)))
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines())
print(*(status[name] for name in ("CapPrm", "CapEff", "CapAmb", "NoNewPrivs", "Seccomp")))
print(len({*os.getresuid(), *os.getresgid()}), os.getuid() == 0, len(os.getgroups()) <= 1)
""")
    assert set(found[:7]) <= {"EPERM", "EINVAL"}
    assert found[7:] == [f"{'0' * 16} {'0' * 16} {'0' * 16} 1 2", "1 False True"]


def test_programs_of_the_system_give_no_rights(inside: Any) -> None:
    commands = [
        ["mount", "-t", "tmpfs", "x", "/tmp"],
        ["su", "-c", "id"],
        ["unshare", "-Ur", "id"],
        ["bwrap", "--dev-bind", "/", "/", "id"],
    ]
    found = inside.lines(f"""
for command in {commands}:
    tried(lambda: subprocess.run(command, capture_output=True, check=True))
""")
    assert set(found) <= {"CalledProcessError", "ENOENT", "EACCES", "EPERM"}


def test_no_descriptor_is_inherited(inside: Any, tmp_path: Path) -> None:
    with (tmp_path / "held").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        found = inside.lines("""
held = sorted(map(int, os.listdir("/proc/self/fd")))  # One more is that of listing them.
print(held[:3], len(held))
for fd in range(3, 64):
    try:
        print("wrote to", fd, os.write(fd, b"forged"))
    except OSError:
        pass
""")
    assert found == ["[0, 1, 2] 4"]
    assert (tmp_path / "held").read_text() == ""


def test_nobody_outside_can_be_killed(inside: Any) -> None:
    victim = subprocess.Popen(["sleep", "60"])
    ran = inside(f"""
for pid in {[os.getpid(), os.getppid(), victim.pid]}:
    tried(lambda: os.kill(pid, signal.SIGKILL))
tried(lambda: os.kill(-1, signal.SIGKILL))
""")
    assert ran.stdout.decode().split()[:3] == ["ESRCH"] * 3
    assert victim.poll() is None
    victim.kill()
    victim.wait()


def test_it_works_in_a_folder_of_its_own(
    inside: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").touch()
    found = inside.lines("open('left', 'w').close(); print(os.getcwd(), os.listdir('.'))")
    assert found == ["/tmp ['left']"]
    assert inside.lines("print(os.listdir('/tmp'))") == ["[]"]


def test_only_the_standard_library_can_be_imported(inside: Any) -> None:
    found = inside.lines("""
for name in ("numpy", "speciate", "pip", "_distutils_hack", "sitecustomize"):
    tried(lambda: __import__(name))
import hashlib, json, sqlite3, sys
print(sys.flags.no_site, sys.path[0])
""")
    assert found == ["ModuleNotFoundError"] * 5 + ["1 /program"]


def test_there_is_no_terminal_and_hardly_a_device(inside: Any) -> None:
    found = inside.lines("""
import fcntl, termios
tried(lambda: open("/dev/tty"))
tried(lambda: fcntl.ioctl(0, termios.TIOCSTI, b"x"))
print(os.getsid(0) == os.getpid(), sorted(os.listdir("/dev")))
""")
    devices = "['full', 'null', 'random', 'urandom', 'zero']"
    assert found == ["ENOENT", "ENOTTY", f"True {devices}"]
