"""The command line. Each command is a few lines around a function that is also the Python API."""

import functools
import gc
import os
import sys
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, NoReturn

from speciate.errors import DiskError, SpeciateError

if TYPE_CHECKING:
    import typer


def application() -> "typer.Typer":
    """All commands; what they need is imported here, where `main` hears of Ctrl-C."""
    import typer

    from speciate.cli import (
        agents,
        browse,
        compare,
        init,
        kinship,
        log,
        merge,
        read,
        report,
        review,
        run,
        share,
        soup,
        stats,
        tree,
        trust,
    )

    app = typer.Typer(
        help="Evolve populations of language models. The archive is a Git repository.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    commands: tuple[Callable[..., None], ...] = (
        init.init,
        run.run,
        run.strategies,
        merge.merge,
        merge.operators,
        merge.extract_adapter,
        stats.stats,
        soup.soup,
        soup.regmean_plus_plus,
        read.status,
        log.log,
        tree.tree,
        read.show,
        tree.lineage,
        read.best,
        browse.browse,
        compare.front,
        compare.flips,
        compare.diff,
        kinship.kinship,
        agents.agents,
        report.report,
        trust.verify,
        trust.export,
        trust.import_,
        trust.fsck,
        trust.gc,
        share.push,
        share.pull,
        run.doctor,
    )
    for command in commands:
        name = command.__name__.strip("_").replace("_", "-")  # `import` is a word of Python.
        app.command(name)(_interruptible(command))
    reviews = typer.Typer(help="Look at what agents propose, and decide.", no_args_is_help=True)
    for name, command in review.COMMANDS.items():
        reviews.command(name)(_interruptible(command))
    app.add_typer(reviews, name="review")

    @app.callback()
    def options(
        _debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    ) -> None:
        """Evolve populations of language models. The archive is a Git repository."""

    return app


def _interruptible(command: Callable[..., None]) -> Callable[..., None]:
    """Ctrl-C where a command has nothing of its own to say: typer would end without a word."""

    @functools.wraps(command)
    def wrapped(*args: object, **kwargs: object) -> None:
        try:
            command(*args, **kwargs)
        except KeyboardInterrupt:
            _end("stopped", 130)

    return wrapped


def program() -> None:
    """What is installed as `speciate`: `main`, and then the end of the process, at once.

    Taking torch down takes a third of a second. Engines and clusters are taken down properly.
    """
    status: object = 0
    try:
        main()
    except SystemExit as end:
        status = end.code
    if not isinstance(status, int | None) or {"vllm", "ray"} & sys.modules.keys():
        sys.exit(status)  # type: ignore[arg-type]
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status or 0)


def main() -> None:
    """Runs a command; errors are one line, exit status 1 for failures and 2 for wrong usage."""
    _settle()
    try:
        application()()
    except KeyboardInterrupt:
        _end("stopped", 130)
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        _end(*_told(error))


def _told(error: Exception) -> tuple[str, int]:
    """What to say of an error, and the exit status."""
    if isinstance(error, SpeciateError):
        return str(error), error.exit_status
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        remedy = "look at the disk and the path, and run again"
        return f"{where}{error.strerror or error}; {remedy}", DiskError.exit_status
    # By name, since torch may not have been imported, and takes a second.
    names = {kind.__name__ for kind in type(error).__mro__}
    if names & {"MemoryError", "OutOfMemoryError"} or "can't allocate memory" in str(error):
        return "out of memory; use fewer --jobs or --device cpu", 1
    what = f"{type(error).__name__}: {error}"
    return f"unexpected error: {what}; run again with speciate --debug and report it", 1


def _end(line: str, status: int) -> NoReturn:
    from speciate.review.visible import visible

    # One line, even where a library's message, quoted in ours, has several; and no codes, where
    # it quotes strangers.
    print("speciate:", *(visible(part.strip()) for part in line.splitlines()), file=sys.stderr)
    sys.exit(status)


def _settle() -> None:
    """Before anything heavy is imported: quiet libraries, and threads that share cores."""
    warnings.filterwarnings("ignore")
    # Imports make many objects and drop few: looking for garbage after every 700 takes a tenth.
    gc.set_threshold(500_000)
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # They are searched for: 30 ms.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    # Threads that wait for a core that others use must sleep: spinning, they slow all down tenfold.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
