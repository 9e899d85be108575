"""Archives that travel: through git remotes, with weights beside them, and read with suspicion."""
