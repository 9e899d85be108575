"""Every error that speciate raises on purpose: one clear line of what, where and what to do."""


class SpeciateError(Exception):
    """Base of all errors with a message for the user; the command line prints it, exit status 1."""

    exit_status = 1


class UsageError(SpeciateError):
    """What the user gave cannot be used (config, files, options); exit status 2."""

    exit_status = 2


class ConfigError(UsageError):
    """A campaign or recipe file does not say something that can be run."""


class ModelError(UsageError):
    """A checkpoint is missing, damaged, or not of the same architecture as the others."""


class TaskError(UsageError):
    """A task file cannot be read as items of its kind."""


class ArchiveError(UsageError):
    """A folder is not an archive, is in use, or does not hold what was asked for."""


class DiskError(UsageError):
    """A disk has no room or refuses to be written; a campaign stops, and goes on when it has."""


class ClusterError(UsageError):
    """A cluster cannot be reached, or has not what a worker needs."""


class DamageError(SpeciateError):
    """Something recorded or stored no longer is what its digest says."""


class BreedError(SpeciateError):
    """A recipe could not be carried out; recorded as the candidate's error."""


class SandboxError(SpeciateError):
    """This machine cannot run a program in a sandbox."""


class ProgramError(SpeciateError):
    """A program in a sandbox does not answer as it should, and has been ended."""


class EvaluationError(SpeciateError):
    """A candidate could not be scored; recorded as the candidate's error."""


class RefusedError(SpeciateError):
    """An individual from another island is not let in; the campaign goes on without."""


class RejectedError(EvaluationError):
    """A candidate is not worth scoring in full; the engine is fine."""


class ChatError(SpeciateError):
    """A language model cannot be asked; a campaign stops, and goes on when run again."""


class BudgetError(ChatError):
    """As much was asked of a language model as its budget allows."""


class ReplyError(ChatError):
    """A language model does not answer one request as it should; it may answer others."""
