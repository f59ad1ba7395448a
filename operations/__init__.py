"""Keeping it running: how it stands, backup and restore, what is kept and for how long."""
