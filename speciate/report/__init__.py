"""A campaign as one page for any browser: its family tree, its figures and its champion."""
