"""Where the child of a config differs from mergekit's on purpose; docs/mergekit.md says more."""

_RANDOM = "elements are dropped with the same probabilities, but they are other ones"

BY_METHOD = {
    "nuslerp": "nuslerp: opposite tensors are interpolated linearly; mergekit divides by rounding",
    "multislerp": "multislerp: tensors of 0 have no direction, and eps is not used",
    "karcher": "karcher: directions that cancel are an error; mergekit starts from the first model",
    "model_stock": "model_stock: agreement is measured without a guard, and below 0 counts as 0; "
    "mergekit keeps the base where products of norms are below 1e-6",
    "arcee_fusion": "arcee_fusion: divergences and quantiles are exact; mergekit's divergences of "
    "small changes are mostly rounding, so other elements may be taken",
    "sce": "sce: models are weighed by their energy however small it is; mergekit weighs them "
    "equally where its sum is below 1e-6",
    "ramplus_tl": "ramplus_tl: what a model without elements of its own would be scaled by is 1",
    "dare_linear": f"dare_linear: {_RANDOM}",
    "dare_ties": f"dare_ties: {_RANDOM}",
    "della": f"della: {_RANDOM}",
    "della_linear": f"della_linear: {_RANDOM}",
}
VOCABULARY = (
    "tokenizer: embeddings keep rows that no token has, which mergekit cuts off; tokens that one "
    "model lacks get the rows of the first model, in mergekit those of the base or else an average"
)


def donor(parent: str, base: str) -> str:
    """On a base that gives nothing but config and tokenizer."""
    return f"tokenizer: is that of {parent}; mergekit copies that of the base_model, {base}"


def last_slice(count: int) -> str:
    """On a last slice with more sources than the first one, which has so many."""
    return (
        "slices: the last norm and the head are made from all sources of the last slice; mergekit "
        f"takes {count} of them, as many as the first slice has"
    )


def precision(dtype: str) -> str:
    """On types in which mergekit not only writes but computes."""
    return f"dtype: computed in float32 and rounded to {dtype} once; mergekit computes in {dtype}"
