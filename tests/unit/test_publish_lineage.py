"""What the workbook says stands behind each list is what the dbt models read."""

import re

from publish.excel import lists_book
from send_ready import layout
from send_ready.settings import PROJECT

MODELS = {path.stem: path.read_text(encoding="utf-8") for path in (PROJECT / "dbt_project" / "models").rglob("*.sql")}


def sources(model: str) -> set[str]:
    """Raw tables that a model reads, directly or through others."""
    text = MODELS.get(model, "")
    found = set(re.findall(r"source\(\s*['\"]raw['\"]\s*,\s*['\"](\w+)['\"]", text))
    return found.union(*(sources(each) for each in re.findall(r"ref\(\s*['\"](\w+)['\"]", text)))


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
