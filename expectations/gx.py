"""Great Expectations, imported once and without what no rule of ours needs: 1.0 s of processor in place of 2.4."""

import gc
import importlib
import sys
from functools import cache
from types import ModuleType

# Imported by one expectation and two metrics (distributions of a column, and their charts), for 1.2 s: when asked for.
_LATER = ("scipy.stats", "altair")
_WITHOUT = "sqlalchemy"  # Great Expectations does without it; frames are no tables of a database


@cache
def load() -> None:
    """Import Great Expectations with its expectations and metrics. Every module that uses it calls this first."""
    if "great_expectations" in sys.modules:
        return
    for name in _LATER:
        _import_when_asked(name)
    leaves_out = sys.modules.setdefault(_WITHOUT, None) is None  # type: ignore[arg-type]  # how Python says so
    was_collecting = gc.isenabled()
    gc.disable()  # nothing of an import is garbage, and looking for it takes a fifth of the time
    try:
        import great_expectations  # noqa: F401
    finally:
        gc.freeze()
        if was_collecting:
            gc.enable()
        if leaves_out:
            del sys.modules[_WITHOUT]


def _import_when_asked(name: str) -> None:
    """Put a stand-in where a module is looked for; the first name that is asked of it imports the module."""
    if name in sys.modules:
        return
    stand_in = ModuleType(name)

    def first_asked(attribute: str) -> object:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]
        return getattr(importlib.import_module(name), attribute)

    stand_in.__getattr__ = first_asked  # type: ignore[method-assign]
    package, _, short = name.rpartition(".")
    if package:
        setattr(importlib.import_module(package), short, stand_in)
    sys.modules[name] = stand_in
