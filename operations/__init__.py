"""Keeping SEND Ready running: status, backup and restore, retention."""
