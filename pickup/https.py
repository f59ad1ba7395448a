"""HTTPS, by httpx: the certificate is verified, and what is asked of one host never goes to another."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from pickup.sources import DATE, Source, urls_of
from pickup.store import CONNECT, PIECE, SILENCE, RemoteFile
from pickup.trouble import Trouble, gone, silent, wrong_login

if TYPE_CHECKING:
    import httpx

MOST_REDIRECTS = 5
AGAIN = (408, 425, 429, 500, 502, 503, 504)  # statuses that may pass
WITHOUT_HEAD = (
    400,
    403,
    404,
    405,
    501,
)  # what servers say to a request for the headers alone that would serve the file


class Https:
    """The addresses of a source, each of one file."""

    settles = False  # a server gives a whole file, or says how much is missing

    def __init__(self, client: "httpx.Client", source: Source, day: date):
        self._client, self._source, self._day = client, source, day

    def listing(self) -> list[RemoteFile]:
        return [self._about(url.replace(DATE, f"{self._day:%Y%m%d}")) for url in urls_of(self._source)]

    def _about(self, url: str) -> RemoteFile:
        with self._answer("HEAD", url) as answer:
            headers = answer.headers if answer.status_code not in WITHOUT_HEAD else {}
        name = self._source.options["save_as"] or unquote(urlsplit(url).path.rpartition("/")[2])
        tag = headers.get("etag") or headers.get("last-modified") or ""
        size = headers.get("content-length", "")
        is_whole = size.isdecimal() and not headers.get("content-encoding")
        return RemoteFile(
            name.replace(DATE, f"{self._day:%Y%m%d}"), int(size) if is_whole and int(size) else None, tag,
            _moment(headers.get("last-modified")), url,
        )  # fmt: skip

    def read(self, file: RemoteFile) -> Iterator[bytes]:
        import httpx

        with self._answer("GET", file.place) as answer:
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise Trouble(f"{_host(file.place)} packed the file, which it was asked not to. Ask whoever runs it.")
            kind = answer.headers.get("content-type", "").partition(";")[0].strip().casefold()
            if kind in ("text/html", "application/xhtml+xml"):
                raise page(_host(file.place))
            try:
                yield from answer.iter_raw(PIECE)
            except httpx.RemoteProtocolError:
                raise Trouble(
                    f"{_host(file.place)} sent a part of the file and broke off. Nothing of it was kept; it is tried "
                    "again.",
                    may_pass=True,
                ) from None

    @contextmanager
    def _answer(self, method: str, url: str) -> Iterator["httpx.Response"]:
        """The answer to a request, after redirects within its host. Raises Trouble."""
        with _explained(_host(url)):
            for _ in range(MOST_REDIRECTS):
                request = self._client.build_request(method, url)
                answer = self._client.send(request, stream=True)
                try:
                    if not answer.is_redirect:
                        self._must_be_good(method, answer)
                        yield answer
                        return
                    target = request.url.join(answer.headers["location"])
                finally:
                    answer.close()
                if _server(target) != _server(request.url):
                    raise Trouble(
                        f"{_host(url)} leads to another place, {target.host}. It is not followed: a name and "
                        "password are "
                        f"for the host that {self._source.name} names. If that is where the file is now, change `url`."
                    )
                url = str(target)
            raise Trouble(f"{_host(url)} leads round in a circle. See in a browser whether it asks for a sign-in.")

    def _must_be_good(self, method: str, answer: "httpx.Response") -> None:
        status, where = answer.status_code, answer.url.host
        if status == 200 or (method == "HEAD" and status in WITHOUT_HEAD):
            return
        if status in (401, 407):
            raise wrong_login(where, self._source.name, f"wants another sign-in (status {status})")
        if status == 403:
            raise wrong_login(where, self._source.name, "does not let this account have the file (status 403)")
        if status in (404, 410):
            raise Trouble(
                f"{where} has no such file (status {status}). See that `url` of {self._source.name} is right; a file "
                "that is made each day may not be there yet.",
                may_pass=True,
            )
        raise Trouble(f"{where} answered with status {status}. Ask whoever runs it.", may_pass=status in AGAIN)


def page(where: str) -> Trouble:
    """The trouble of a web page in the place of a file."""
    return Trouble(
        f"{where} sent a web page in place of the file, perhaps to sign in. Nothing was kept. Open the address in a "
        "browser on this machine, and see what account or address gives the file itself."
    )


def _host(url: str) -> str:
    """The host of an address: the rest may be a secret."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _server(url: "httpx.URL") -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _moment(text: Any) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except (ValueError, TypeError):
        return None


def context(ca_file: str | None) -> ssl.SSLContext:
    """What certificates are verified by: the machine's authorities, or those of a file. Raises Trouble."""
    try:
        return ssl.create_default_context(cafile=Path(ca_file) if ca_file else None)
    except OSError as error:
        raise Trouble(f"ca_file {ca_file} cannot be used: {error.strerror or 'it holds no certificate'}.") from None


@contextmanager
def opened(source: Source, day: date) -> Iterator[Https]:
    """A client for the addresses of a source."""
    import httpx

    headers = {"Accept-Encoding": "identity", "User-Agent": "send-ready"}
    if token := source.secret("TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    user = source.secret("USER") or source.options["user"]
    signed_in = httpx.BasicAuth(user, source.secret("PASSWORD")) if user and not token else None
    with httpx.Client(
        verify=context(source.options["ca_file"]), headers=headers, auth=signed_in, follow_redirects=False,
        timeout=httpx.Timeout(SILENCE, connect=CONNECT),
    ) as client:  # fmt: skip
        yield Https(client, source, day)


@contextmanager
def _explained(where: str) -> Iterator[None]:
    import httpx

    try:
        yield
    except httpx.TimeoutException:
        raise silent(where, SILENCE) from None
    except httpx.ConnectError as error:
        if any(isinstance(each, ssl.SSLError) for each in _causes(error)) or "CERTIFICATE" in str(error):
            raise Trouble(
                f"The certificate of {where} is not to be trusted. Nothing was sent. If the council has an authority "
                "of its own, name its certificates by `ca_file`; else ask whoever runs the server."
            ) from None
        raise gone(where, "could not be reached") from None
    except httpx.InvalidURL:
        raise Trouble(f"The address at {where} is none. Correct `url`.") from None
    except httpx.TransportError:
        raise gone(where) from None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__ or error.__context__
