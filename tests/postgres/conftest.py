"""The tests here share one server."""

from tests.servers import postgres

__all__ = ["postgres"]
