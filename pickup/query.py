"""Whether what is asked of a database is one SELECT and nothing else.

It is the second lock of three: the first is a login that may only read, the third the read-only transaction, where the
database has one. So it is plain, and would rather refuse a harmless query than let another pass.
"""

import re

# A text, a quoted name of three databases, or a comment: what may stand in them is nobody's command.
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\[[^\]]*\]|--[^\n]*|/\*.*?\*/", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_][A-Za-z_0-9$#]*")
# Texts that a database ends elsewhere than a plain reading of quotation marks does, so that something could hide there.
_HIDING = re.compile(r"\\'|\$\w*\$|\bn?q'", re.IGNORECASE)
# SQL Server needs no semicolon between statements, so these are looked for anywhere.
# fmt: off
CHANGES = frozenset((
    "alter", "backup", "begin", "bulk", "commit", "create", "dbcc", "deallocate", "declare", "delete", "deny",
    "drop", "exec", "execute", "grant", "insert", "into", "kill", "merge", "openquery", "openrowset", "print",
    "purge", "reconfigure", "restore", "revoke", "rollback", "savepoint", "set", "shutdown", "truncate",
    "update", "use", "waitfor",
))
# fmt: on


def fault(sql: str) -> str | None:
    """Why a text is not one SELECT, as the end of a sentence; None when it is."""
    if _HIDING.search(sql):
        return "has a text with \\', $$ or q' in it. Write it between plain quotation marks, with '' for one within."
    bare = _QUOTED.sub(" ", sql).strip().removesuffix(";").rstrip()
    if any(sign in bare for sign in ("'", '"', "/*", "*/")):
        return "has a quotation mark or a comment that does not end. Close it."
    if ";" in bare:
        return "is more than one statement. One SELECT is asked at a time: make a source of each."
    words = [word.casefold() for word in _WORD.findall(bare)]
    if not words or words[0] not in ("select", "with"):
        return "does not begin with SELECT or WITH. Nothing else is asked of a database."
    if found := [word for word in words if word in CHANGES]:
        return (
            f"has the word {found[0].upper()}, which belongs to statements that change something. A column of that "
            "name "
            'is written "in quotes".'
        )
    return None
