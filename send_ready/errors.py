"""The errors that a step raises when it cannot be done; their text is for the reader of the log."""


class RunError(RuntimeError):
    """A step cannot be done. The text says why, and what to do."""
