"""The zoo: six tiny language models and their tasks, made on a CPU from CPython's own texts."""
