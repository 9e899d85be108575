"""Where a campaign's workers run. Nothing here changes what is archived."""

from typing import Annotated, Literal

from pydantic import Field

from speciate.configs.section import Section


class Cluster(Section):
    """Workers on Ray: each is one process with one engine."""

    workers: Annotated[int, Field(ge=0, le=10_000)] = Field(
        1, description="Engines at once; 0 runs one in the campaign's own process, without Ray."
    )
    cpus: Annotated[float, Field(ge=0, le=4096)] = Field(
        1, description="CPUs that a worker asks Ray for; its engine may use more."
    )
    gpus: Annotated[float, Field(ge=0, le=1024)] | None = Field(
        None,
        description="GPUs that a worker asks Ray for; if not given, one for each that a model is "
        "split on where the cluster has GPUs, else none.",
    )
    wait_s: Annotated[float, Field(ge=0)] = Field(
        0, description="Seconds to wait for a node that is large enough, as autoscalers need."
    )
    shared: Literal["auto", "never"] = Field(
        "auto",
        description="Whether nodes read founders and keep weights in the folders that the campaign "
        "uses (where they see them), or are sent the founders and keep their own.",
    )
    attempts: Annotated[int, Field(ge=1, le=100)] = Field(
        3, description="Workers that a candidate may end before it is set aside."
    )
    start_s: Annotated[float, Field(gt=0)] = Field(
        1800, description="Seconds that an engine may take to start."
    )
    patience_s: Annotated[float, Field(gt=0)] = Field(
        1800, description="Seconds without progress after which a worker is replaced."
    )
