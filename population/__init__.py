"""Evolution of populations of language models."""
