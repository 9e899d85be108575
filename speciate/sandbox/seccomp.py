"""The filter of system calls, as a program of the kernel's packet filter.

It allows what it does not name: namespaces, identities and resource limits carry the sandbox, and
this takes away what goes around them, and parts of the kernel that are often attacked.
"""

import errno
import platform
import struct

# Numbers on x86_64 and aarch64; -1 where there is no such call.
_DENIED = {
    # New namespaces, in which a process would have capabilities.
    "unshare": (272, 97),
    "setns": (308, 268),
    # Other processes' memory and files; bubblewrap's own process is in there too.
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    # Memory that no limit counts.
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    # Keyrings belong to the user, not to a namespace.
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # Attacked often, needed rarely.
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "modify_ldt": (154, -1),
    "personality": (135, 92),
    "syslog": (103, 116),
    "open_by_handle_at": (304, 265),
}
_CLONE, _CLONE3, _SOCKET, _SOCKETPAIR = (56, 220), (435, 435), (41, 198), (53, 199)
# AUDIT_ARCH_*, and which of the numbers above are meant.
_MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
_NEW_NAMESPACES = 0x7E020000
_UNIX = 1
_NUMBER, _MACHINE, _ARGUMENT = 0, 4, 16  # Offsets in the kernel's struct seccomp_data.
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_FAIL = 0x00050000


def supported() -> bool:
    """Whether the calls of this machine's kernel are known."""
    return platform.machine() in _MACHINES


def filter_program() -> bytes:
    """For `bwrap --seccomp`: calls that are not allowed fail with EPERM."""
    machine, column = _MACHINES[platform.machine()]
    steps = [
        _step(_LOAD, _MACHINE),
        _step(_EQUAL, machine, 1, 0),
        _step(_RETURN, _KILL),  # The numbers of 32-bit programs are others.
        _step(_LOAD, _NUMBER),
        *_deny(_AT_LEAST, 0x40000000),  # So are those of the x32 mode.
    ]
    for numbers in _DENIED.values():
        if numbers[column] >= 0:
            steps += _deny(_EQUAL, numbers[column])
    # Its flags are in memory, which a filter cannot read; programs then use clone.
    steps += _deny(_EQUAL, _CLONE3[column], errno.ENOSYS)
    steps += [_step(_EQUAL, _CLONE[column], 0, 4), _step(_LOAD, _ARGUMENT)]
    steps += [*_deny(_ANY_BIT, _NEW_NAMESPACES), _step(_RETURN, _ALLOW)]
    # Other families reach what no namespace separates, such as the host of a virtual machine.
    for numbers in (_SOCKET, _SOCKETPAIR):
        steps += [_step(_EQUAL, numbers[column], 0, 4), _step(_LOAD, _ARGUMENT)]
        steps += [_step(_EQUAL, _UNIX, 1, 0), *_return(errno.EPERM), _step(_RETURN, _ALLOW)]
    return b"".join([*steps, _step(_RETURN, _ALLOW)])


def _step(code: int, operand: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """One instruction; the last two say how many to skip."""
    return struct.pack("=HBBI", code, if_true, if_false, operand)


def _return(error: int) -> list[bytes]:
    return [_step(_RETURN, _FAIL | error)]


def _deny(comparison: int, operand: int, error: int = errno.EPERM) -> list[bytes]:
    return [_step(comparison, operand, 0, 1), *_return(error)]
