"""Workbooks that only open with a password: AES-256 with SHA-512, as Excel writes them since 2013 (agile encryption).

Everything is done in memory: no plain copy lies anywhere but where the workbook already is.
"""

import io
from pathlib import Path

from msoffcrypto import OfficeFile
from msoffcrypto.exceptions import DecryptionError
from msoffcrypto.format.ooxml import OOXMLFile

from send_ready import files
from send_ready.runs import RunError
from send_ready.settings import SettingsError

SHORTEST, LONGEST = 12, 255  # characters; Excel takes no longer one
OF_OTHERS = 0o077  # permissions of the group and of everybody


class EncryptionError(RunError):
    """An encrypted copy does not hold what the workbook holds. The text names the copy."""


def encrypt(source: Path, target: Path, password: str) -> None:
    """Write an encrypted copy of a workbook, whole or not at all, after a test that it opens with the password.

    Two copies of one workbook differ in every byte, as keys are drawn at random. Raises EncryptionError when the copy
    would not open, or would not hold the same.
    """
    plain, encrypted = source.read_bytes(), io.BytesIO()
    OOXMLFile(io.BytesIO(plain)).encrypt(password, encrypted)
    try:
        is_same = _decrypted(encrypted, password) == plain
    except DecryptionError:
        is_same = False
    if not is_same:
        raise EncryptionError(f"{target.name} was not written: it would not have opened as {source.name} does.")
    files.write_bytes(target, encrypted.getvalue())


def read_password(path: Path) -> str:
    """The password in a file: its text without one line end. Raises SettingsError, which never quotes the file."""
    setting = f"SEND_RELEASE_PASSWORD_FILE={path}"
    try:
        mode = path.stat().st_mode
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise SettingsError(
            f"{setting} cannot be read: {error.strerror}. Put the password there, or unset the setting to release "
            "without an encrypted copy."
        ) from None
    except UnicodeDecodeError:
        raise SettingsError(f"{setting} is not text in UTF-8. Write the password again with a text editor.") from None
    if mode & OF_OTHERS:
        raise SettingsError(f"{setting} can be read by others. Make it yours alone: chmod 600 {path}")
    password = text.removesuffix("\n").removesuffix("\r")
    if not SHORTEST <= len(password) <= LONGEST or "\n" in password:
        raise SettingsError(
            f"{setting} should hold one line of {SHORTEST} to {LONGEST} characters, the password and nothing else. "
            "Four words that do not belong together make a good one."
        )
    return password


def _decrypted(encrypted: io.BytesIO, password: str) -> bytes:
    book, plain = OfficeFile(encrypted), io.BytesIO()
    book.load_key(password=password, verify_password=True)
    book.decrypt(plain, verify_integrity=True)
    return plain.getvalue()
