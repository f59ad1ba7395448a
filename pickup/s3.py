"""A store that speaks S3, by boto3. Of credentials that lie about on a machine, none is looked for."""

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from pickup.https import context
from pickup.sources import Source
from pickup.store import CONNECT, PIECE, SILENCE, RemoteFile
from pickup.trouble import Trouble, gone, wrong_login

DENIED = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "403", "AuthorizationHeaderMalformed")
CHANGED = ("PreconditionFailed", "412")
NOT_THERE = ("NoSuchBucket", "NoSuchKey", "404")


class S3:
    """The objects of a bucket below a prefix, without those of folders in it."""

    settles = False  # an object is whole or not there

    def __init__(self, client: Any, source: Source, where: str):
        self._client, self._source, self._where = client, source, where
        self._bucket, self._prefix = source.options["bucket"], source.options["prefix"]

    def listing(self) -> list[RemoteFile]:
        found = []
        with _explained(self._where, self._source.name):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix, Delimiter="/"
            )
            for each in (each for page in pages for each in page.get("Contents", ())):
                name = each["Key"].removeprefix(self._prefix).removeprefix("/")
                changed = each["LastModified"].timestamp()
                found.append(RemoteFile(name, each["Size"], each["ETag"], changed, each["Key"]))
        return [each for each in found if each.name]

    def read(self, file: RemoteFile) -> Iterator[bytes]:
        with _explained(self._where, self._source.name):
            # The checksum that the store holds is compared by boto3, where it holds one.
            answer = self._client.get_object(
                Bucket=self._bucket, Key=file.place, IfMatch=file.version, ChecksumMode="ENABLED"
            )
            with closing(answer["Body"]) as body:
                yield from body.iter_chunks(PIECE)


@contextmanager
def opened(source: Source) -> Iterator[S3]:
    """A client for the bucket of a source. Raises Trouble."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    for name in ("boto3", "botocore", "urllib3"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # they may quote addresses with signatures
    user, password = source.secret("USER") or source.options["user"], source.secret("PASSWORD")
    if not (user and password):
        raise Trouble(
            f"There is no key for the bucket {source.options['bucket']}. Set {source.variable}USER to the access key's "
            f"ID and {source.variable}PASSWORD to the secret access key."
        )
    endpoint, ca_file = source.options["endpoint"], source.options["ca_file"]
    if ca_file:
        context(ca_file)  # so that a file without certificates is told in words
    where = endpoint or f"the bucket {source.options['bucket']}"
    try:
        client = boto3.session.Session().client(
            "s3",
            aws_access_key_id=user,
            aws_secret_access_key=password,
            aws_session_token=source.secret("TOKEN") or None,
            endpoint_url=endpoint,
            region_name=source.options["region"],
            verify=ca_file or True,
            config=Config(
                connect_timeout=CONNECT,
                read_timeout=SILENCE,
                retries={"total_max_attempts": 1},  # Airflow tries again, and says so
                s3={"addressing_style": "path"} if endpoint else {},
                ignore_configured_endpoint_urls=True,
            ),
        )
    except (BotoCoreError, ValueError):
        raise Trouble(f"`endpoint` or `region` of {source.name} is none that can be used.") from None
    try:
        yield S3(client, source, where)
    finally:
        client.close()


@contextmanager
def _explained(where: str, name: str) -> Iterator[None]:
    from botocore import exceptions as boto
    from urllib3.exceptions import HTTPError

    try:
        yield
    except boto.ClientError as error:
        code = str(error.response.get("Error", {}).get("Code"))
        if code in DENIED:
            raise wrong_login(where, name, "does not let this key in, or not that far") from None
        if code in CHANGED:
            raise Trouble("It was replaced while it was fetched. The next pickup takes it.", may_pass=True) from None
        if code in NOT_THERE:
            raise Trouble(f"{where} has no such bucket or file. See that `bucket` of {name} is right.") from None
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        raise Trouble(f"{where} refused ({status}). Ask whoever runs it.", may_pass=status >= 500) from None
    except boto.SSLError:
        raise Trouble(
            f"The certificate of {where} is not to be trusted. Nothing was sent. If the council has an authority of "
            "its own, name its certificates by `ca_file`; else ask whoever runs the server."
        ) from None
    except (boto.FlexibleChecksumError, boto.ChecksumError):
        raise Trouble("What came is not what the store holds: the checksums differ. It is tried again.",
                      may_pass=True) from None  # fmt: skip
    except boto.ParamValidationError:
        raise Trouble(f"`bucket` or `prefix` of {name} is none that a store can have.") from None
    except (boto.BotoCoreError, HTTPError):
        raise gone(where) from None
