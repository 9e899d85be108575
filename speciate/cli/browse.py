"""The command for the terminal UI."""

import sys

from speciate.cli.read import Folder
from speciate.errors import UsageError


def browse(folder: Folder) -> None:
    """Walk through an archive: tree, table, Pareto, kinship; live while a campaign runs."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("browse needs a terminal; use `speciate log`, `tree` or `show` instead")
    from speciate.archive.archive import Archive
    from speciate.browse.app import Browser

    Browser(Archive.open(folder)).run()
