"""Runs at Weights & Biases. The only module that imports wandb."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from speciate.errors import ConfigError

# At the end, for what is not uploaded yet; `wandb sync` does the rest.
_PATIENCE_S = 60.0
_ONLINE = ("online", "run", "shared")


class Wandb:
    """Implements `Sink` by a run at Weights & Biases, the same one when a campaign goes on."""

    name = "Weights & Biases"

    def __init__(
        self, folder: Path, project: str, config: Mapping[str, Any], say: Callable[[str], None]
    ) -> None:
        """Logs to a project; the run begins with the first step.

        Args:
            folder: Of the campaign; `wandb/` in it holds what is uploaded.
            project: Its name.
            config: Of the campaign, as archived.
            say: Takes where the run can be seen.
        """
        self._folder, self._project, self._config, self._say = folder, project, config, say
        self._run: Any = None

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """See `Sink.write`."""
        if self._run is None:
            self._run = self._begun()
        self._run.log(dict(values), step=step, commit=True)

    def close(self, finished: bool) -> None:
        """See `Sink.close`."""
        if self._run is not None:
            self._run.finish(exit_code=0 if finished else 1)

    def _begun(self) -> Any:  # noqa: ANN401
        import wandb

        settings = wandb.Settings(
            silent=True,
            console="off",
            disable_code=True,
            disable_git=True,
            # Who calls us from Python may have a run of their own.
            reinit="create_new",
            finish_timeout=_PATIENCE_S,
        )
        run = wandb.init(
            project=self._project,
            name=self._config["name"],
            dir=self._folder,
            config=dict(self._config),
            # Goes on with the run that this folder has, unless that was finished.
            resume="auto",
            settings=settings,
        )
        if run.url:
            self._say(f"{self.name}: {run.url}")
        return run


def check() -> None:
    """Whether the package is there, and somebody logged in if the network is to be used.

    Raises:
        ConfigError: It is not, or nobody is.
    """
    try:
        import wandb
    except (ImportError, TypeError) as exc:  # TypeError: of another version of protobuf.
        raise ConfigError(
            f"wandb cannot be imported ({exc}); install speciate[wandb], or leave track.wandb out"
        ) from exc
    mode = wandb.setup(settings=wandb.Settings(silent=True)).settings.mode
    try:
        known = mode not in _ONLINE or wandb.login(prompt=False, verify=False)
    except wandb.Error as exc:
        # Not quoted, for what may be in it.
        raise ConfigError(
            f"the API key of Weights & Biases cannot be used ({type(exc).__name__}); correct it "
            "by `wandb login`"
        ) from exc
    if not known:
        raise ConfigError(
            "track.wandb needs an API key of Weights & Biases; run `wandb login`, put it into "
            "WANDB_API_KEY, or set WANDB_MODE=offline"
        )
