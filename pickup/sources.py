"""pickup.yml: which files come by themselves, from where. It holds no secret, and none is taken from it.

A password, a key or a token stands in the environment, as SEND_PICKUP_<NAME>_PASSWORD and so on, or in the Airflow
connection send_pickup_<name>.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pickup import query
from send_ready import confined, files
from send_ready.records import Field, checked, number, one_of
from send_ready.settings import Settings

FILE = "pickup.yml"
PREFIX = "SEND_PICKUP_"
CREDENTIALS = ("USER", "PASSWORD", "TOKEN", "URL", "KEY_FILE", "KEY_PASSPHRASE")
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
MOST_SOURCES = 100
DIALECTS = ("postgresql", "oracle", "mssql")
FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
DATE = "{date}"
# What no file of configuration may hold, by the name that it would have there.
SECRET = re.compile(r"pass(word|wd|phrase)?$|pwd|secret|token|credential|private|(access|api|account)_?key|^sig$", re.I)
LOOPBACK = ("127.0.0.1", "localhost", "::1")
# What the address of a database may say beside the database; none of it runs anything or names a file to be written.
ADDRESS_OPTIONS = ("sslmode", "sslrootcert", "application_name", "service_name", "charset", "tds_version", "encryption")


@dataclass(frozen=True)
class Source:
    """One entry of pickup.yml. `options` holds what its kind has beside what all have."""

    name: str
    kind: str
    max_file_mb: float
    max_files: int
    newest_days: float | None
    options: Mapping[str, Any]
    credentials: Mapping[str, str] = field(repr=False, default_factory=dict)  # by CREDENTIALS

    def wants(self, name: str) -> bool:
        """Whether a file of that name is to be fetched; capitals make no difference."""
        return any(fnmatchcase(name.casefold(), str(each).casefold()) for each in self.options["files"])

    def secret(self, name: str) -> str:
        """One of CREDENTIALS; empty when nobody gave it."""
        return self.credentials.get(name, "")

    @property
    def variable(self) -> str:
        """How the environment's variables for this source begin."""
        return f"{PREFIX}{self.name.upper()}_"


def _texts(held: Any) -> bool:
    listed = held if isinstance(held, list) else [held]
    return bool(listed) and all(isinstance(each, str) and each.strip() and each.isprintable() for each in listed)


def _patterns(held: Any) -> bool:
    return _texts(held) and all("/" not in each for each in (held if isinstance(held, list) else [held]))


def _file_name(held: Any) -> bool:
    return confined.is_name(held) and not held.startswith((".", "~")) and "." in held


TEXT = Field("text", lambda held: isinstance(held, str) and bool(held.strip()) and held.isprintable())
MAYBE = Field(TEXT.in_words, TEXT.is_allowed, is_needed=False)
PATTERNS = Field('patterns of file names such as ["students_*.csv"], without folders', _patterns)
SAVED = Field("a file name such as students_{date}.csv, without folders", _file_name)
CA_FILE = Field(
    "the path of a file of certificates, from / on", lambda p: isinstance(p, str) and p.startswith("/"), False
)
KINDS: dict[str, dict[str, Field]] = {
    "sftp": {
        "host": TEXT,
        "port": number(65_535, False),
        "user": MAYBE,
        "folder": Field(TEXT.in_words, TEXT.is_allowed, False, "."),
        "files": PATTERNS,
        "host_key": Field(
            "the fingerprint of the server's key, such as SHA256:…, or a list of them",
            lambda held: (
                _texts(held) and all(FINGERPRINT.fullmatch(k) for k in (held if isinstance(held, list) else [held]))
            ),
            is_needed=False,
        ),
    },
    "https": {
        "url": Field("an address that begins with https://, or a list of them", _texts, is_needed=False),
        "save_as": Field(SAVED.in_words, SAVED.is_allowed, is_needed=False),
        "user": MAYBE,
        "ca_file": CA_FILE,
    },
    "s3": {
        "bucket": TEXT,
        "prefix": Field("text", lambda held: isinstance(held, str), False, ""),
        "files": PATTERNS,
        "endpoint": MAYBE,
        "region": Field(TEXT.in_words, TEXT.is_allowed, False, "eu-west-2"),
        "user": MAYBE,
        "ca_file": CA_FILE,
    },
    "folder": {
        "folder": Field("a path from / on", lambda held: isinstance(held, str) and held.startswith("/")),
        "files": PATTERNS,
    },
    "database": {
        "address": TEXT,
        "query": Field("one SELECT", lambda held: isinstance(held, str) and bool(held.strip())),
        "save_as": SAVED,
        "user": MAYBE,
        "max_rows": number(100_000_000, False, 5_000_000),
        "timeout_minutes": number(600, False, 20),
    },
}
COMMON = {
    "from": one_of(list(KINDS)),
    "max_file_mb": number(1_000_000, False),
    "max_files": number(10_000, False, 500),
    "newest_days": number(10_000, False),
}


def load(settings: Settings) -> list[Source]:
    """The sources of pickup.yml, in the order of the file; none without one. Raises ValueError, which quotes no value.

    The credentials are those of the environment.
    """
    path = settings.config / FILE if settings.config else None
    if not path or not path.is_file():
        return []
    try:
        given = files.read_yaml(path)
    except ValueError as error:  # which quotes the line, and with it what should not stand there
        line = re.search(r"line (\d+)", str(error))
        at = f", line {line[1]}" if line else ""
        raise ValueError(f"{path}{at}: this is not YAML that can be read. Compare with docs/users/pickup.md.") from None
    if not isinstance(given, dict) or not given:
        raise ValueError(f"{path}: it names no source. Begin with an example of docs/users/pickup.md.")
    if len(given) > MOST_SOURCES:
        raise ValueError(f"{path} has {len(given)} sources, and may have {MOST_SOURCES}.")
    return [_source(path, str(name), held, settings) for name, held in given.items()]


def _source(path: Path, name: str, given: Any, settings: Settings) -> Source:
    if not NAME.fullmatch(name):
        raise ValueError(
            f"{path}: a source is called {confined.printable_name(name)}. Its name has small letters, digits and _, "
            "begins with a letter, and has at most 40 of them: credentials and a folder of the inbox are named by it."
        )
    where = f"{path}: {name}"
    for found in _secrets(given):
        raise ValueError(
            f"{where}: {found} is a secret, and may not stand in a file. Take it out, have it changed where it is "
            "used, "
            f"and give the new one as {PREFIX}{name.upper()}_PASSWORD (or _TOKEN, _URL, _KEY_FILE) in the environment, "
            f"or in the Airflow connection send_pickup_{name}."
        )
    kind = given.get("from") if isinstance(given, dict) else None
    fields = COMMON | KINDS.get(str(kind), {})
    held = checked(where, given, fields, ValueError)
    options = {each: held[each] for each in KINDS[held["from"]]}
    if "files" in options:
        options["files"] = _listed(options["files"])
    most = settings.max_file_mb if held["max_file_mb"] is None else held["max_file_mb"]
    credentials = {each: settings.pickup.get(f"{PREFIX}{name.upper()}_{each}", "") for each in CREDENTIALS}
    source = Source(
        name, held["from"], most, int(held["max_files"]), held["newest_days"], options,
        {each: value for each, value in credentials.items() if value},
    )  # fmt: skip
    _check(where, source)
    return source


def _listed(held: Any) -> list[str]:
    return held if isinstance(held, list) else [held]


def _secrets(given: Any) -> Iterator[str]:
    """The places of an entry where a secret stands: by its name, or in an address."""
    for name, held in given.items() if isinstance(given, dict) else ():
        if SECRET.search(str(name)):
            yield f"'{name}'"
        for text in _listed(held):
            if not isinstance(text, str) or "://" not in text:
                continue
            try:
                parts = urlsplit(text)
            except ValueError:
                continue
            if "@" in parts.netloc and ":" in parts.netloc.rpartition("@")[0]:
                yield f"the password in '{name}'"
            elif any(SECRET.search(key) for key, _ in parse_qsl(parts.query, keep_blank_values=True)):
                yield f"what follows the ? in '{name}'"


def _check(where: str, source: Source) -> None:
    """Raise ValueError for what only the kind knows to be wrong."""
    if source.kind == "https":
        urls = urls_of(source)
        if not urls:
            raise ValueError(f"{where}: 'url' is missing. A secret address goes into {source.variable}URL.")
        for url in urls:
            check_url(f"{where}: url", url)
        if source.options["save_as"] and len(urls) > 1:
            raise ValueError(
                f"{where}: save_as is one name, and there are {len(urls)} addresses. Make a source of each."
            )
    if source.kind == "s3" and source.options["endpoint"]:
        check_url(f"{where}: endpoint", source.options["endpoint"])
    if source.kind == "database":
        parts = urlsplit(source.options["address"])
        if parts.scheme not in DIALECTS:
            raise ValueError(f"{where}: address begins with one of: {', '.join(f'{each}://' for each in DIALECTS)}.")
        if unknown := sorted({key for key, _ in parse_qsl(parts.query)} - set(ADDRESS_OPTIONS)):
            raise ValueError(f"{where}: address has {unknown[0]}. After the ? may stand: {', '.join(ADDRESS_OPTIONS)}.")
        if fault := query.fault(source.options["query"]):
            raise ValueError(f"{where}: query {fault}")


def urls_of(source: Source) -> list[str]:
    """The addresses of an https source: of the environment, else of the file."""
    secret = source.secret("URL")
    return [secret] if secret else _listed(source.options["url"]) if source.options["url"] else []


def check_url(where: str, url: str) -> None:
    """Raise ValueError for an address that is none, or that others could read along; it is not quoted."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"{where} is no address.") from None
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)):
        raise ValueError(
            f"{where} is no address that begins with https://. Others could read along what comes by http."
        )
