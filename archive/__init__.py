"""The family tree in git: an individual is a commit, a step of a campaign is a commit on main."""
