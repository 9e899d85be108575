"""The section of tasks whose models write code that tests are run on."""

from typing import Annotated, Literal

from pydantic import Field

from speciate.configs.tasks.common import Generating


class Code(Generating):
    """The code in the answer passes the item's tests, or not."""

    kind: Literal["code"]
    language: Literal["python"] = Field("python", description="Of the code and of its tests.")
    extract: Literal["fenced", "none"] = Field(
        "fenced", description="What of the text is code: the first fenced block, or all of it."
    )
    append: bool = Field(
        False, description="The code goes on with the prompt, which is code and stands before it."
    )
    seconds: Annotated[int, Field(ge=1, le=3600)] = Field(
        5, description="Time of processors that code may use, and its tests once more."
    )
    memory: Annotated[int, Field(ge=64, le=2**20)] = Field(
        512, description="Of the code and, once more, of its tests, in MiB."
    )
