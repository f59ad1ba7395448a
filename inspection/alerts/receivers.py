"""Where alerts go: e-mail, Teams, Slack, any webhook, through Apprise.

What was configured is a secret: the address of a webhook lets whoever has it post, and a mail account has a password.
So nothing here says an address, in a message or in an exception, and what Apprise says is kept from every log.
"""

import json
import logging
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

WEB = ("http", "https")
JSON = ("json", "jsons")  # the same, as Apprise writes it
MAIL = ("email", "smtp")
HOST = r"[A-Za-z0-9._:\[\]-]+"  # a name or an address, and nothing that Apprise would read as an order
SMTP_SSL = 465  # port on which a mail server expects TLS from the start
# A level of ours: Apprise's.
COLOURS = {"warning": "warning", "missed": "failure", "fault": "failure", "record": "info"}
# How a refusal is told in Apprise's log: by HTTP, by SMTP of one recipient, by SMTP of all.
STATUS = re.compile(r"error=(\d{3})|refused: (\d{3})|\((\d{3}), b")


class ReceiverError(ValueError):
    """What was configured leads nowhere. The text says what to put right, and never what was given."""


@dataclass
class Receivers:
    """Everybody who gets alerts. One that did not take an alert is not tried again by the same process."""

    urls: tuple[str, ...] = ()  # as Apprise reads them, or the https address of a webhook
    problem: str = ""  # why something configured cannot be used
    down: dict[str, str] = field(default_factory=dict)

    def send(self, level: str, title: str, text: str, had: Collection[str] = ()) -> dict[str, str]:
        """Send to all but those who had it. Gives, for each, why it did not go out, or an empty text when it did."""
        outcome = {"configuration": self.problem} if self.problem else {}
        if not self.urls:
            return outcome
        with _overheard() as heard:
            for name, service in _named(self.urls):
                if name in had:
                    continue
                heard.clear()
                why = self.down.get(name) or _sent(service, level, title, text) or ""
                outcome[name] = why and (_status(heard) or why)
                if why:
                    self.down[name] = outcome[name]
        return outcome


def configured(urls: str | None, connection: str | None) -> Receivers:
    """The receivers of SEND_ALERT_URL (blanks between several) and of AIRFLOW_CONN_SEND_ALERTS."""
    found = (urls or "").split()
    try:
        return Receivers((*found, *(urls_of_connection(connection) if connection else ())))
    except ReceiverError as error:
        return Receivers(tuple(found), str(error))


def urls_of_connection(text: str) -> list[str]:
    """The receivers of an Airflow connection, given as Airflow does: a URI or JSON. Raises ReceiverError.

    Types: smtp and email (Extra: from_email, to_email), one receiver for each address; slackwebhook (Password: its
    token or whole URL); any other is a webhook, whose whole URL is the Password, or the Host.
    """
    try:
        given = _of_json(text) if text.lstrip().startswith("{") else _of_uri(text)
    except (ValueError, AttributeError, TypeError):  # their own texts quote what was given
        raise ReceiverError(
            "The Airflow connection send_alerts (AIRFLOW_CONN_SEND_ALERTS) cannot be read. Give it as Airflow's URI, "
            "with every part percent-encoded, or as JSON."
        ) from None
    if given.kind in MAIL:
        return _mails(given)
    return [_web(_slack(given) if given.kind.startswith("slack") else _webhook(given))]


def _web(url: str) -> str:
    """The address, if all that it does is to get the alert: users of Airflow may write the connection, unlike settings.

    Apprise knows other services than of the web, of which some act on this machine, and `template`, which is a file.
    """
    parts = urlsplit(url)
    names = {name.lower().strip("+-: ") for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    if parts.scheme not in (*WEB, *JSON) or "template" in names:
        raise ReceiverError(
            "The Airflow connection send_alerts leads to no webhook: its address begins with https:// and names no "
            "template. What else Apprise knows can be given as SEND_ALERT_URL."
        )
    return url


@dataclass(frozen=True)
class _Connection:
    kind: str
    host: str
    login: str
    password: str
    port: int | None
    schema: str
    extra: dict[str, Any]


def _of_json(text: str) -> _Connection:
    given = json.loads(text)
    extra = given.get("extra") or {}
    return _Connection(
        kind=given["conn_type"].lower() if given.get("conn_type") else "",
        host=given.get("host") or "",
        login=given.get("login") or "",
        password=given.get("password") or "",
        port=int(given["port"]) if given.get("port") else None,
        schema=given.get("schema") or "",
        extra=dict(json.loads(extra) if isinstance(extra, str) else extra),
    )


def _of_uri(text: str) -> _Connection:
    """As airflow.models.Connection reads it, which takes seconds to import and wants a home of its own."""
    kind, _, rest = text.strip().partition("://")
    parts = urlsplit(rest if "://" in rest else f"//{rest}")  # a second scheme is the protocol of the host
    host = unquote(parts.hostname or "")
    if "/" in host:  # a whole address, in which capitals count
        host = unquote(parts.netloc.rpartition("@")[2].partition(":")[0])
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return _Connection(
        kind=kind.lower(),
        host=f"{parts.scheme}://{host}" if parts.scheme and host else host,
        login=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        port=parts.port,
        schema=unquote(parts.path[1:]),
        extra=json.loads(query["__extra__"]) if "__extra__" in query else query,
    )


def _mails(given: _Connection) -> list[str]:
    """One for each address, so that one who is refused keeps nobody from getting it, nor sends it to others twice."""
    sender, to = given.extra.get("from_email"), given.extra.get("to_email") or ()
    addresses = [each.strip() for each in (to.split(",") if isinstance(to, str) else to)]
    if not (re.fullmatch(HOST, given.host) and sender and addresses):
        raise ReceiverError(
            "The Airflow connection send_alerts is for e-mail, and needs a Host and, in Extra, from_email and to_email "
            '(several with commas): {"from_email": "…", "to_email": "…"}.'
        )
    asked = {"from": sender, "smtp": given.host, "mode": _security(given), "format": "text"}
    account = f"mailto://{_netloc(given)}?{urlencode(asked, quote_via=quote)}"
    return [f"{account}&to={quote(address)}" for address in addresses]


def _security(given: _Connection) -> str:
    """TLS from the start, STARTTLS or none. Airflow takes TLS from the start for granted, also on 25 and 587."""
    if "disable_ssl" in given.extra:
        has_ssl = not _is_true(given.extra["disable_ssl"])
    else:
        has_ssl = given.port in (None, SMTP_SSL)
    if has_ssl:
        return "ssl"
    return "insecure" if _is_true(given.extra.get("disable_tls", False)) else "starttls"


def _is_true(value: Any) -> bool:
    return str(value).lower() in ("true", "1", "yes")


def _slack(given: _Connection) -> str:
    if "://" in given.password:
        return given.password
    if not given.password:
        raise ReceiverError("The Airflow connection send_alerts is for Slack, and needs the webhook's URL as Password.")
    base = given.host or "hooks.slack.com/services"
    return f"{base if '://' in base else f'https://{base}'}/{given.password}"


def _webhook(given: _Connection) -> str:
    for whole in (given.password, given.host):
        if "://" in whole:
            return whole
    if given.kind not in WEB or not given.host:
        raise ReceiverError(
            "The Airflow connection send_alerts has no address to post to. Put the whole URL of the webhook into its "
            "Password; or, for e-mail, use the connection type smtp."
        )
    if given.schema in WEB:  # Airflow's own way to say https
        return f"{given.schema}://{_netloc(given)}"
    query = f"?{urlencode(given.extra)}" if given.extra else ""
    return f"{given.kind}://{_netloc(given)}/{quote(given.schema)}{query}"


def _netloc(given: _Connection) -> str:
    login = quote(given.login, safe="") + (f":{quote(given.password, safe='')}" if given.password else "")
    return (f"{login}@" if login else "") + given.host + (f":{given.port}" if given.port else "")


@contextmanager
def _overheard() -> Iterator[list[str]]:
    """What Apprise and its HTTP library say, for the status in it, and for no log: it holds addresses and URLs."""
    loggers, said = [logging.getLogger(name) for name in ("apprise", "urllib3")], _Said()
    before = [(logger.level, logger.propagate, logger.handlers) for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
        logger.propagate, logger.handlers = False, [said]
    try:
        yield said.lines
    finally:
        for logger, (level, propagate, handlers) in zip(loggers, before, strict=True):
            logger.setLevel(level)
            logger.propagate, logger.handlers = propagate, handlers


class _Said(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def _status(heard: list[str]) -> str:
    """The status that the receiver answered with: 404 of a webhook, 535 of a mail server."""
    found = STATUS.search("\n".join(heard))
    return f"refused with status {next(filter(None, found.groups()))}" if found else ""


def _named(urls: Collection[str]) -> Iterator[tuple[str, Any]]:
    """Each receiver by what it is, such as "Slack" or "E-Mail 2", with Apprise's object for it, or None."""
    seen: dict[str, int] = {}
    for url in urls:
        service = _service(url)
        kind = str(service.service_name) if service else "Receiver"
        seen[kind] = seen.get(kind, 0) + 1
        yield kind if seen[kind] == 1 else f"{kind} {seen[kind]}", service


def _service(url: str) -> Any:
    """Teams' and Slack's own addresses are known to Apprise; any other web address gets the alert as JSON."""
    from apprise import Apprise, AppriseAsset

    # No pictures: Apprise's are fetched from elsewhere by whoever reads the message.
    asset = AppriseAsset(app_id="SEND Ready", app_desc="Alerts", app_url="", image_url_mask="", async_mode=False)
    is_web = url.lower().startswith(tuple(f"{scheme}://" for scheme in WEB))
    for each in (url, _as_json(url)) if is_web else (url,):
        try:
            service = Apprise.instantiate(each, asset=asset)
        except (TypeError, ValueError):  # of its own parsers, for an address that only looks like one of theirs
            service = None
        if service:
            return service
    return None


def _as_json(url: str) -> str:
    """The address for Apprise's JSON sender, to which what follows the question mark is passed on with a dash."""
    address, _, query = url.partition("?")
    passed_on = urlencode([(f"-{name}", value) for name, value in parse_qsl(query, keep_blank_values=True)])
    return f"json{address[4:]}{f'?{passed_on}' if passed_on else ''}"


def _sent(service: Any, level: str, title: str, text: str) -> str | None:
    """Nothing when it went out, else why not."""
    from apprise import Apprise

    if service is None:
        return "its URL is none that Apprise knows"
    try:
        if Apprise([service]).notify(body=text, title=title, notify_type=COLOURS[level], body_format="text"):
            return None
    except Exception as error:  # whatever fails in somebody's plugin, the alert is put on record
        return f"failed with {type(error).__name__}"
    return "could not be reached"
