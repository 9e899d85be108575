"""The first process inside a sandbox: starts the program, and ends with it.

Arguments: a descriptor to wait on, one to say on what came of it, the user to become or "-", limits
as NAME=VALUE, "--", and the program's command line. It is run by itself, and imports what is fast.
"""

import os
import resource
import sys


def main(go: str, said: str, user: str, *rest: str) -> int:
    """The program's exit status; 128 + n after signal n, and all that it left running is killed."""
    # Whoever started this is gone: nobody would end the program, and it must not begin.
    if not os.read(int(go), 1):
        return 1
    program = os.fork()
    if program == 0:
        os.setsid()
        _become_program(int(said), user, *rest)
    _close_all()
    while True:
        ended, status = os.wait()
        if ended == program:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _become_program(said: int, user: str, *rest: str) -> None:
    """Gives up rights, sets limits, executes; says "ok" before, and the reason if it cannot."""
    end = rest.index("--")
    try:
        with open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123
            # When memory runs out, the kernel ends the program before the campaign.
            file.write("1000")
        if user != "-":
            os.setgroups([])
            os.setresgid(int(user), int(user), int(user))
            os.setresuid(int(user), int(user), int(user))
        for name, _, value in (limit.partition("=") for limit in rest[:end]):
            resource.setrlimit(getattr(resource, name), (int(value), int(value)))
        _close_all(but=said)
        os.write(said, b"ok")
        os.execv(rest[end + 1], rest[end + 1 :])  # noqa: S606 - a list of arguments
    except (OSError, ValueError) as exc:
        os.write(said, f": {exc}".encode())
        os._exit(1)


def _close_all(but: int | None = None) -> None:
    """Closes all descriptors: those of the program, or all except what only `exec` closes."""
    last = os.sysconf("SC_OPEN_MAX")
    if but is None:
        os.closerange(0, last)
    else:
        os.closerange(3, but)
        os.closerange(but + 1, last)
        os.set_inheritable(but, False)


if __name__ == "__main__":
    os._exit(main(*sys.argv[1:]))
