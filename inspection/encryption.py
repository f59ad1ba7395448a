"""Files that only open with a password: workbooks as Excel encrypts them since 2013 (AES-256 with SHA-512, agile
encryption), and any other file in a zip archive with AES-256 (WinZip's AE-2, which 7-Zip and WinZip open).

Everything is done in memory: no plain copy lies anywhere but where the workbook already is.
"""

import io
from pathlib import Path

import pyzipper
from msoffcrypto import OfficeFile
from msoffcrypto.exceptions import DecryptionError
from msoffcrypto.format.ooxml import OOXMLFile

from send_ready import files
from send_ready.runs import RunError
from send_ready.settings import SettingsError

WORKBOOK, ARCHIVE = ".xlsx", ".zip"
SHORTEST, LONGEST = 12, 255  # characters; Excel takes no longer one
OF_OTHERS = 0o077  # permissions of the group and of everybody


class EncryptionError(RunError):
    """An encrypted copy does not hold what its original holds. The text names the copy."""


def encrypted_name(name: str) -> str:
    """The name of an encrypted copy of a file: a workbook stays one, anything else is in an archive."""
    path = Path(name)
    return f"{path.stem}_encrypted{path.suffix if path.suffix == WORKBOOK else ARCHIVE}"


def encrypt(source: Path, target: Path, password: str) -> None:
    """Write an encrypted copy of a file, whole or not at all, after a test that it opens with the password.

    Two copies of one file differ in every byte, as keys are drawn at random. Raises EncryptionError when the copy would
    not open, or would not hold the same.
    """
    is_workbook, plain = target.suffix == WORKBOOK, source.read_bytes()
    encrypted = _workbook(plain, password) if is_workbook else _archive(source.name, plain, password)
    try:
        held = _decrypted(encrypted, password) if is_workbook else _unpacked(encrypted, source.name, password)
    except (DecryptionError, RuntimeError, pyzipper.BadZipFile):
        held = None
    if held != plain:
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


def _workbook(plain: bytes, password: str) -> io.BytesIO:
    encrypted = io.BytesIO()
    OOXMLFile(io.BytesIO(plain)).encrypt(password, encrypted)
    return encrypted


def _archive(name: str, plain: bytes, password: str) -> io.BytesIO:
    """A zip archive of one file. Its name, which names no child, can be read without the password."""
    encrypted = io.BytesIO()
    how = {"compression": pyzipper.ZIP_DEFLATED, "encryption": pyzipper.WZ_AES}
    with pyzipper.AESZipFile(encrypted, "w", **how) as archive:
        archive.setpassword(password.encode())
        archive.writestr(name, plain)
    return encrypted


def _unpacked(encrypted: io.BytesIO, name: str, password: str) -> bytes:
    with pyzipper.AESZipFile(encrypted) as archive:
        archive.setpassword(password.encode())
        return bytes(archive.read(name))


def _decrypted(encrypted: io.BytesIO, password: str) -> bytes:
    book, plain = OfficeFile(encrypted), io.BytesIO()
    book.load_key(password=password, verify_password=True)
    book.decrypt(plain, verify_integrity=True)
    return plain.getvalue()
