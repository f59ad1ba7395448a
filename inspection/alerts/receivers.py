"""Where alerts go: e-mail, Teams, Slack, any webhook, through Apprise.

What was configured is a secret: the address of a webhook lets whoever has it post, and a mail account has a password.
So nothing here says an address, in a message or in an exception, and what Apprise says is kept from every log.
"""

import logging
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from send_ready.settings import Settings

NO_CONNECTION = (
    "AIRFLOW_CONN_SEND_ALERTS is not read any more: write SEND_ALERT_URL in its place, as docs/users/upgrading.md says"
)
# A level of ours: Apprise's.
COLOURS = {"warning": "warning", "missed": "failure", "fault": "failure", "record": "info"}
# How a refusal is told in Apprise's log: by HTTP, by SMTP of one recipient, by SMTP of all.
STATUS = re.compile(r"error=(\d{3})|refused: (\d{3})|\((\d{3}), b")


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


def configured(settings: Settings) -> Receivers:
    """The receivers of SEND_ALERT_URL, with blanks between several."""
    return Receivers(tuple((settings.alert_url or "").split()), NO_CONNECTION if settings.has_alert_connection else "")


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
    """Apprise's object for an address, None when it knows none such: it knows Teams' and Slack's own web addresses.

    Any other web address gets the alert as JSON.
    """
    from apprise import Apprise, AppriseAsset

    # No pictures: Apprise's are fetched from elsewhere by whoever reads the message.
    asset = AppriseAsset(app_id="SEND Ready", app_desc="Alerts", app_url="", image_url_mask="", async_mode=False)
    kind = url.partition("://")[0].lower()
    is_web = kind in ("http", "https")
    for each in (url, _as_json(url)) if is_web else (_mail(url) if kind in ("mailto", "mailtos") else url,):
        try:
            service = Apprise.instantiate(each, asset=asset)
        except (TypeError, ValueError):  # of its own parsers, for an address that only looks like one of theirs
            service = None
        if service:
            return service
    return None


def _mail(url: str) -> str:
    """A mail address in plain text and with TLS, unless it says otherwise by `format` and `mode`.

    Without `mode`, Apprise would show the password of a `mailto` to any server that asks.
    """
    address, _, query = url.partition("?")
    names = {name.lower() for name, _ in parse_qsl(query, keep_blank_values=True)}
    if "mode" not in names:
        address = f"mailtos://{address.partition('://')[2]}"
    return f"{address}?{query}" + ("" if "format" in names else "&format=text")


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
