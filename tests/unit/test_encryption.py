"""Encrypted copies: what they are, who can open them, and where their password comes from."""

import io
import os
import zipfile
from pathlib import Path

import msoffcrypto
import olefile
import pytest
import pyzipper
from msoffcrypto.exceptions import InvalidKeyError

from inspection.encryption import LONGEST, SHORTEST, EncryptionError, encrypt, encrypted_name, read_password
from publish.excel.workbook import Column, Grid, write
from send_ready.settings import SettingsError

PASSWORD = "möhre Stuhl 7 Wolke"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "lists.xlsx"
    write(path, "Lists", [Grid("List_1", [Column("UPN", "text", ["A999000000001"])])])
    return path


def package(path: Path, size: int) -> Path:
    """What the library takes for a workbook, with a part of that many bytes that do not compress."""
    with zipfile.ZipFile(path, "w") as parts:
        types = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
        parts.writestr("[Content_Types].xml", types)
        parts.writestr("sheet", os.urandom(size))
    return path


def opened(path: Path, password: str) -> bytes:
    plain = io.BytesIO()
    with path.open("rb") as file:
        found = msoffcrypto.OfficeFile(file)
        assert found.is_encrypted()
        found.load_key(password=password, verify_password=True)
        found.decrypt(plain, verify_integrity=True)
    return plain.getvalue()


def test_the_password_opens_the_same_bytes_and_no_other_password_does(book: Path, tmp_path: Path) -> None:
    encrypt(book, tmp_path / "encrypted.xlsx", PASSWORD)
    assert opened(tmp_path / "encrypted.xlsx", PASSWORD) == book.read_bytes()
    with pytest.raises(InvalidKeyError):
        opened(tmp_path / "encrypted.xlsx", PASSWORD.lower())


def test_it_is_aes_256_with_sha_512_and_a_slow_key(book: Path, tmp_path: Path) -> None:
    encrypt(book, tmp_path / "encrypted.xlsx", PASSWORD)
    about = olefile.OleFileIO(tmp_path / "encrypted.xlsx").openstream("EncryptionInfo").read()
    assert about[:4] == b"\x04\x00\x04\x00"  # version 4.4: agile
    for said in (b'cipherAlgorithm="AES"', b'keyBits="256"', b'hashAlgorithm="SHA512"'):
        assert about.count(said) == 2  # of the package, and of its key
    assert b'spinCount="100000"' in about


def test_nothing_of_the_workbook_can_be_read_and_no_other_file_is_left(book: Path, tmp_path: Path) -> None:
    encrypt(book, tmp_path / "encrypted.xlsx", PASSWORD)
    written = (tmp_path / "encrypted.xlsx").read_bytes()
    assert b"PK\x03\x04" not in written and b"xl/worksheets" not in written
    assert {path.name for path in tmp_path.iterdir()} == {"lists.xlsx", "encrypted.xlsx"}


def test_two_copies_share_no_key(book: Path, tmp_path: Path) -> None:
    for name in ("one.xlsx", "two.xlsx"):
        encrypt(book, tmp_path / name, PASSWORD)
    assert (tmp_path / "one.xlsx").read_bytes() != (tmp_path / "two.xlsx").read_bytes()


@pytest.mark.parametrize("size", [4_096, 70_000, 7_500_000])  # around the borders of the container format
def test_workbooks_of_any_size_come_back_whole(tmp_path: Path, size: int) -> None:
    plain = package(tmp_path / "plain.xlsx", size)
    encrypt(plain, tmp_path / "encrypted.xlsx", PASSWORD)
    assert opened(tmp_path / "encrypted.xlsx", PASSWORD) == plain.read_bytes()


def test_a_copy_that_would_not_open_is_not_written(tmp_path: Path) -> None:
    """Such as one under 4 kB, which the library writes but cannot check. No workbook of ours is that small."""
    with pytest.raises(EncryptionError, match=r"encrypted\.xlsx was not written"):
        encrypt(package(tmp_path / "plain.xlsx", 3_000), tmp_path / "encrypted.xlsx", PASSWORD)
    assert not (tmp_path / "encrypted.xlsx").exists()


def test_a_copy_that_holds_something_else_is_not_written(
    book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inspection.encryption._decrypted", lambda *_: b"something else")
    with pytest.raises(EncryptionError, match=r"encrypted\.xlsx was not written"):
        encrypt(book, tmp_path / "encrypted.xlsx", PASSWORD)
    assert not (tmp_path / "encrypted.xlsx").exists()


def password_file(folder: Path, content: bytes, mode: int = 0o600) -> Path:
    path = folder / "password"
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
@pytest.mark.parametrize("password", [PASSWORD, " blanks count too ", "x" * SHORTEST, "x" * LONGEST])
def test_a_password_is_the_text_of_its_file_without_one_line_end(tmp_path: Path, password: str, end: str) -> None:
    assert read_password(password_file(tmp_path, (password + end).encode())) == password


def test_a_password_written_by_notepad_is_read(tmp_path: Path) -> None:
    assert read_password(password_file(tmp_path, PASSWORD.encode("utf-8-sig"), 0o400)) == PASSWORD


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "one line of 12 to 255 characters"),
        (b"\n", "one line of 12 to 255 characters"),
        (b"z" * (SHORTEST - 1), "one line of 12 to 255 characters"),
        (b"z" * (LONGEST + 1), "one line of 12 to 255 characters"),
        (b"zzz zzz zzz zzz\nand a note\n", "one line of 12 to 255 characters"),
        (b"zzz zzz zzz zzz\n\n", "one line of 12 to 255 characters"),
        ("zzz zzz zzz ä".encode("latin-1"), "not text in UTF-8"),
    ],
)
def test_a_password_that_will_not_do_is_refused_and_not_quoted(tmp_path: Path, content: bytes, expected: str) -> None:
    path = password_file(tmp_path, content)
    with pytest.raises(SettingsError, match=expected) as refused:
        read_password(path)
    assert str(path) in str(refused.value)
    assert "zzz" not in str(refused.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_password_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    path = password_file(tmp_path, PASSWORD.encode(), mode)
    with pytest.raises(SettingsError, match=f"chmod 600 {path}"):
        read_password(path)


def test_a_password_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "nowhere", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(SettingsError, match=f"{path} cannot be read: {why}"):
            read_password(path)


def test_what_is_no_workbook_is_in_an_archive_that_only_the_password_opens(tmp_path: Path) -> None:
    plain = tmp_path / "SEN2_2027_888_001.xml"
    plain.write_bytes(b"<Message><Surname>Example</Surname></Message>" * 1000)
    copy = tmp_path / encrypted_name(plain.name)
    assert copy.name == "SEN2_2027_888_001_encrypted.zip"
    encrypt(plain, copy, PASSWORD)
    assert b"Surname" not in copy.read_bytes()
    with pyzipper.AESZipFile(copy) as archive:
        (held,) = archive.infolist()
        assert (held.filename, held.flag_bits & 1, held.wz_aes_strength) == (plain.name, 1, 3)  # AES with 256 bits
        with pytest.raises(RuntimeError, match="Bad password"):
            archive.read(plain.name, PASSWORD.lower().encode())
        assert archive.read(plain.name, PASSWORD.encode()) == plain.read_bytes()
    with zipfile.ZipFile(copy) as archive, pytest.raises((RuntimeError, NotImplementedError)):
        archive.read(plain.name)
