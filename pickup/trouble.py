"""What can go wrong with a source of files, in words for whoever has to mend it."""

from send_ready.errors import RunError

REFUSED, MAY_PASS = 3, 1  # exit statuses of `send-ready pickup`


class Trouble(RunError):
    """A source, or one file of it, could not be fetched. The text says why and what to do, and holds no secret.

    `may_pass`: whether another try, with nothing changed, may do better. A wrong password is not tried again: servers
    lock an account after a few.
    """

    def __init__(self, text: str, *, may_pass: bool = False):
        super().__init__(text)
        self.may_pass = may_pass


def silent(where: str, seconds: float) -> Trouble:
    """A server that does not answer any more."""
    return Trouble(
        f"{where} has not answered for {seconds:.0f} seconds. It is tried again; if that goes on, ask whoever runs it.",
        may_pass=True,
    )


def gone(where: str, what: str = "broke the connection") -> Trouble:
    """A server that went away, or was never there."""
    return Trouble(
        f"{where} {what}. It is tried again; if that goes on, see that the address is right and that this machine may "
        "reach it.",
        may_pass=True,
    )


def wrong_login(where: str, name: str, said: str = "refused the sign-in") -> Trouble:
    """A server that does not take our name and password."""
    return Trouble(
        f"{where} {said}. Check SEND_PICKUP_{name.upper()}_USER and what goes with it, or the Airflow connection "
        f"send_pickup_{name}, with whoever runs the server. It is not tried again until the next pickup, so that the "
        "account is not locked."
    )
