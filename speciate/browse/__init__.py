"""The terminal UI: an archive to walk through, live while a campaign runs."""
