"""What the workbook says stands behind each list is what the dbt models read."""

import re

from publish.excel import lists_book
from send_ready import layout
from send_ready.settings import PROJECT

DBT = PROJECT / "dbt_project"
MODELS = {path.stem: path.read_text(encoding="utf-8") for path in (DBT / "models").rglob("*.sql")}
MACROS = {
    name: body
    for path in (DBT / "macros").glob("*.sql")
    for name, body in re.findall(r"{%-? macro (\w+)(\(.*?)endmacro -?%}", path.read_text(encoding="utf-8"), re.DOTALL)
}


def called(text: str) -> set[str]:
    """Macros of ours that a model or a macro calls, directly or through others."""
    names = MACROS.keys() & set(re.findall(r"\b(\w+)\(", text))
    return names.union(*(called(MACROS[name]) for name in names))


def sources(model: str) -> set[str]:
    """Raw tables that a model may read, directly or through macros and other models."""
    text = "\n".join([MODELS.get(model, ""), *(MACROS[name] for name in called(MODELS.get(model, "")))])
    found = set(re.findall(r"\b(?:source\(\s*['\"]raw['\"]\s*,|records_of\()\s*['\"](\w+)['\"]\s*[,)]", text))
    return found.union(*(sources(each) for each in re.findall(r"\bref\(\s*['\"](\w+)['\"]\s*\)", text)))


def lineage(each: layout.ListLayout) -> set[str]:
    """Feeds that a list's model reads."""
    return {table.replace("__", ".") for table in sources(each.table.removeprefix("annex_a.")) if "__" in table}


def test_every_feed_that_the_lists_read_is_named_and_no_other() -> None:
    assert set.union(*(lineage(each) for each in layout.lists())) == set(lists_book.BEHIND)


def test_no_list_is_said_to_need_a_feed_that_it_does_not_read() -> None:
    for each in layout.lists():
        behind = {feed for feed, names in lists_book.BEHIND.items() if each.name in names}
        assert behind
        assert behind <= lineage(each)
