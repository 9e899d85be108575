"""Where a campaign's progress is written besides the terminal. Nothing here is archived."""

from typing import Annotated

from pydantic import Field

from speciate.configs.section import Section

# Characters that Weights & Biases takes in the name of a project.
Project = Annotated[str, Field(pattern=r"^[^/\\#?%:\s][^/\\#?%:]*$", max_length=128)]


class Track(Section):
    """Writers that people look at with other programs."""

    tensorboard: bool = Field(
        False, description="Write events for TensorBoard, to tensorboard/ in the campaign's folder."
    )
    wandb: Project | None = Field(
        None, description="Project of Weights & Biases to log to; its login is that of `wandb`."
    )
