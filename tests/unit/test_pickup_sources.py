"""pickup.yml: what it may say, what it may never hold, and what is asked of a database."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from operations import settle
from pickup import query, sources
from send_ready import settings as setting
from send_ready.settings import Settings

SFTP = {"from": "sftp", "host": "files.council.example", "files": ["students_*.csv"]}
DATABASE = {
    "from": "database", "address": "postgresql://db.council.example/one", "query": "SELECT 1",
    "save_as": "x_{date}.csv",
}  # fmt: skip


def settings(folder: Path, given: Any, **env: str) -> Settings:
    config = folder / "config"
    config.mkdir(exist_ok=True)
    text = given if isinstance(given, str) else yaml.safe_dump(given)
    (config / sources.FILE).write_text(text, encoding="utf-8")
    return setting.load({"SEND_HOME": str(folder / "home"), "SEND_CONFIG": str(config), **env})


def test_what_it_says_and_who_opens_it(tmp_path: Path) -> None:
    (found,) = sources.load(settings(tmp_path, {"hub": SFTP}, SEND_PICKUP_HUB_USER="send", SEND_PICKUP_OTHER_USER="x"))
    assert (found.name, found.kind, found.max_files, found.max_file_mb) == ("hub", "sftp", 500, 1000)
    assert dict(found.credentials) == {"USER": "send"}
    assert found.wants("Students_20261116.CSV") and not found.wants("plans.csv")
    (tmp_path / "config" / sources.FILE).unlink()
    assert sources.load(setting.load({"SEND_CONFIG": str(tmp_path / "config"), "SEND_HOME": str(tmp_path)})) == []


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (SFTP | {"password": "s3cret-word"}, "'password' is a secret"),
        (SFTP | {"Key_Passphrase": "s3cret-word"}, "is a secret"),
        (SFTP | {"access_key": "s3cret-word"}, "is a secret"),
        (DATABASE | {"address": "postgresql://send:s3cret-word@db/one"}, "the password in 'address' is a secret"),
        ({"from": "https", "url": "https://x.example/a.csv?sv=1&sig=s3cret-word"}, "what follows the ? in 'url'"),
        ({"from": "https", "url": ["https://a:s3cret-word@x.example/a.csv"]}, "the password in 'url'"),
        ("hub: {from: sftp, password: [s3cret-word", "not YAML that can be read"),
        ("hub:\n  password: 's3cret-word\n", "not YAML that can be read"),
    ],
)
def test_a_secret_sets_the_file_aside_and_is_not_repeated(tmp_path: Path, entry: Any, words: str) -> None:
    given = settings(tmp_path, entry if isinstance(entry, str) else {"hub": entry})
    with settle.trial(given) as (_, settled):
        (held,) = settled.set_aside
    assert held.name == "pickup.yml" and words in str(held.reason)
    assert "s3cret-word" not in held.in_words


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"Hub!": SFTP}, "small letters, digits and _"),
        ({"hub": SFTP | {"form": "sftp"}}, "unknown key form"),
        ({"hub": {"from": "ftp"}}, "from is ftp, and must be one of: sftp, https, s3, folder, database"),
        ({"hub": SFTP | {"files": ["../*.csv"]}}, "patterns of file names"),
        ({"hub": SFTP | {"host_key": "ssh-ed25519 AAAA"}}, "fingerprint of the server's key"),
        ({"hub": {"from": "https", "url": "http://council.example/a.csv"}}, "begins with https://"),
        (
            {"hub": {"from": "https", "url": ["https://a.example/a.csv", "https://[x/"], "save_as": None}},
            "is no address",
        ),
        ({"hub": {"from": "https", "url": ["https://a/a.csv", "https://a/b.csv"], "save_as": "x.csv"}}, "one name"),
        ({"hub": {"from": "https"}}, "'url' is missing. A secret address goes into SEND_PICKUP_HUB_URL"),
        ({"hub": {"from": "folder", "folder": "exports", "files": ["*"]}}, "a path from / on"),
        ({"hub": DATABASE | {"address": "sqlite:///x.db"}}, "begins with one of: postgresql://, oracle://, mssql://"),
        ({"hub": DATABASE | {"address": "postgresql://db/one?options=-c%20x"}}, "address has options"),
        ({"hub": DATABASE | {"query": "DELETE FROM plan"}}, "does not begin with SELECT or WITH"),
        ({"hub": DATABASE | {"save_as": "../x.csv"}}, "a file name such as"),
        ({}, "it names no source"),
        ({"hub": None}, "where a key should be, there is none"),
    ],
)
def test_what_cannot_be_used_says_what_to_change(tmp_path: Path, entry: Any, words: str) -> None:
    with pytest.raises(ValueError, match=r"pickup\.yml") as raised:
        sources.load(settings(tmp_path, entry))
    assert words in str(raised.value)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id FROM plan WHERE note = 'drop; it''s --not' AND \"update\" = 1;",
        "WITH a AS (SELECT 1) SELECT * FROM a -- delete\n",
        "/* insert */ SELECT REPLACE(name, 'x', 'y'), [set] FROM [order] WHERE created_on > '2026-01-01'",
        "select comment, last_update from plan",
    ],
)
def test_a_question_may_be_asked(sql: str) -> None:
    assert query.fault(sql) is None


@pytest.mark.parametrize(
    "sql",
    [
        "", ";", "DELETE FROM plan", "SELECT 1; DROP TABLE plan", "SELECT 1 DROP TABLE plan", "SELECT * INTO copy "
        "FROM plan",
        "WITH a AS (DELETE FROM plan RETURNING *) SELECT * FROM a", "SELECT 1 FOR UPDATE", "EXEC xp_cmdshell 'dir'",
        "SELECT E'a\\'' ; drop table plan; select '...'", "SELECT $a$ ' $a$; drop table plan --'",
        "SELECT q'[a']' FROM dual; drop table plan --'", "SELECT 'open", "SELECT /* open", "SELECT 1 /* /* */ */",
        "(SELECT 1); DELETE FROM plan", "COPY plan TO PROGRAM 'x'", "SET x = 1", "SELECT 1 waitfor delay '1:00:00'",
    ],
)  # fmt: skip
def test_nothing_else_is_asked(sql: str) -> None:
    assert query.fault(sql)


@given(st.text(alphabet="'\"-/*[];\\$qE sel", max_size=30))
def test_a_second_statement_never_hides(hidden: str) -> None:
    """What a plain reader sees outside of texts, this sees too: a `;` that is no text's is always found."""
    sql = f"SELECT {hidden}; DROP TABLE plan"
    if query.fault(sql) is None:
        assert any(sign in hidden for sign in "'\"-[*")  # it stands in a text, a name or a comment
