"""Campaigns on a cluster, by Ray."""
