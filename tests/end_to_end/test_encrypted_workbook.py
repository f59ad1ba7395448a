"""LibreOffice itself opens an encrypted workbook, and finds in it what is in the plain one.

Needs Debian's libreoffice-calc-nogui (or libreoffice-calc) and python3-uno. A build server has to have them.
"""

import json
import os
import subprocess
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from inspection.encryption import encrypt
from publish.excel.workbook import Block, Column, Grid, Page, write
from tests import debian
from tests.waiting import HANG

PASSWORD = "möhre Stuhl 7 Wolke"

# Run by Debian's Python. Prints the sheets of each workbook as {name: [row, ...]}, or null when it does not open.
READ = """
import json, os, signal, subprocess, sys, time, uno
from com.sun.star.beans import PropertyValue
from com.sun.star.connection import NoConnectException

profile, pipe, *books = sys.argv[1:]
options = ["--headless", "--norestore", "--nologo", "-env:UserInstallation=file://" + profile]
options += ["--accept=pipe,name=" + pipe + ";urp;"]
office = subprocess.Popen(["soffice", *options], stdout=2, start_new_session=True)
try:
    here = uno.getComponentContext()
    resolver = here.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", here)
    for _ in range(3000):
        try:
            there = resolver.resolve("uno:pipe,name=" + pipe + ";urp;StarOffice.ComponentContext")
            break
        except NoConnectException:
            if office.poll() is not None:
                sys.exit("soffice ended with %s" % office.returncode)
            time.sleep(0.1)
    desktop = there.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", there)
    found = []
    for book in books:
        path, _, password = book.partition("|")
        given = {"Hidden": True, "ReadOnly": True, **({"Password": password} if password else {})}
        how = tuple(PropertyValue(Name=name, Value=value) for name, value in given.items())
        try:
            document = desktop.loadComponentFromURL("file://" + path, "_blank", 0, how)
        except uno.getClass("com.sun.star.uno.Exception"):
            document = None
        if document is None:
            found.append(None)
            continue
        sheets = {}
        for sheet in document.Sheets:
            cursor = sheet.createCursor()
            cursor.gotoEndOfUsedArea(False)
            last = cursor.RangeAddress
            sheets[sheet.Name] = sheet.getCellRangeByPosition(0, 0, last.EndColumn, last.EndRow).DataArray
        found.append(sheets)
        document.close(False)
    print(json.dumps(found))
    try:
        desktop.terminate()
    except uno.getClass("com.sun.star.lang.DisposedException"):
        pass  # it is gone already
    office.wait(30)
finally:
    try:
        os.killpg(office.pid, signal.SIGKILL)  # soffice is a script, which starts others
    except ProcessLookupError:
        pass
"""


@pytest.fixture(scope="module")
def read_by_libreoffice(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., list[dict[str, list[list[Any]]] | None]]:
    """Opens workbooks, each `path` or `path|password`, and gives the cells of their sheets, or None."""
    debian.need("office")
    folder = tmp_path_factory.mktemp("libreoffice")

    def read(*books: str) -> list[dict[str, list[list[Any]]] | None]:
        command = [debian.PYTHON, "-c", READ, str(folder / "profile"), f"send{os.getpid()}", *books]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=HANG, env={**os.environ, "HOME": str(folder)}
        )
        assert done.returncode == 0, done.stderr
        return list(json.loads(done.stdout))

    return read


def test_libreoffice_opens_it_with_the_password_only(
    tmp_path: Path, read_by_libreoffice: Callable[..., list[dict[str, list[list[Any]]] | None]]
) -> None:
    children = range(9_000)
    write(
        tmp_path / "plain.xlsx",
        "Lists",
        [
            Grid(
                "List_1",
                [
                    Column("Unique ID", "text", [f"{number:06}" for number in children]),
                    Column("Date of birth", "date", [date(2008, 3, 1) + timedelta(days=number) for number in children]),
                    Column("Absence", "percentage", [number / 100 for number in children]),
                    Column("Ethnicity", "text", [None if number % 7 else "q) CHNE – 漢" for number in children]),
                    # Text that does not compress, so that the file is larger than a simple container can hold.
                    Column("Note", "text", [os.urandom(700).hex() for _ in children]),
                ],
            ),
            Page("About", "About", [Block("Data", [Column("Feed", "text", ["=1+1", "Students"])])]),
        ],
    )
    encrypt(tmp_path / "plain.xlsx", tmp_path / "encrypted.xlsx", PASSWORD)
    assert (tmp_path / "encrypted.xlsx").stat().st_size > 7_000_000
    plain, encrypted, wrong, none = read_by_libreoffice(
        f"{tmp_path}/plain.xlsx",
        f"{tmp_path}/encrypted.xlsx|{PASSWORD}",
        f"{tmp_path}/encrypted.xlsx|another password",
        f"{tmp_path}/encrypted.xlsx",
    )
    assert plain and encrypted
    assert encrypted == plain
    assert list(encrypted) == ["List_1", "About"]
    assert len(encrypted["List_1"]) == 1 + len(children)
    assert encrypted["List_1"][1][:4] == ["000000", 39508.0, 0.0, "q) CHNE – 漢"]  # LibreOffice counts days from 1899
    assert wrong is None and none is None
