"""What a step raises when it cannot be done; its text is for whoever reads the log."""


class RunError(RuntimeError):
    """A step was asked for something that the run does not hold. The text says what to do."""
