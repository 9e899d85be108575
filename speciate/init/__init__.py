"""A first campaign file, proposed from founders and task files."""
