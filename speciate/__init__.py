"""Evolve populations of language models, with a Git archive as the family tree."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from speciate.archive.archive import Archive
    from speciate.merge_file import merge
    from speciate.session import run

__all__ = ["Archive", "merge", "run"]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """The API, imported when first used: it takes torch and git with it."""
    if name == "Archive":
        from speciate.archive.archive import Archive

        return Archive
    if name == "merge":
        from speciate.merge_file import merge

        return merge
    if name == "run":
        from speciate.session import run

        return run
    raise AttributeError(f"module 'speciate' has no attribute '{name}'")
