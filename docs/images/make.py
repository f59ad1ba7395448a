"""Draws outputs.png, the picture in the README, from a pack of the sample council.

Needs LibreOffice and pdftoppm (Debian: libreoffice-calc, poppler-utils).

usage: .venv/bin/python docs/images/make.py data/out/latest
"""

import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import openpyxl

Pixels = npt.NDArray[np.uint8]

# Workbook, sheet, rows shown with the header, and columns shown with their widths in characters.
PANELS = (
    (
        "annex_a_person_level_lists.xlsx",
        "List_1",
        11,
        {"A": 12, "B": 17, "D": 13, "E": 11, "F": 11, "G": 16, "H": 16, "I": 16, "J": 13, "K": 16, "L": 17, "Q": 11},
    ),
    ("issues.xlsx", "Issues by rule", 11, {"A": 9, "B": 10, "D": 66, "F": 10, "G": 20, "H": 60}),
)
WIDTH = 1600  # pixels
MARGIN = 24
FRAME = 0xC8  # grey


def main(pack: Path, picture: Path) -> None:
    """Write the picture. Only a pack of the sample council (LA 999) may be drawn."""
    if openpyxl.load_workbook(pack / PANELS[0][0])["About"]["B5"].value != "999":
        raise SystemExit("This pack is not the sample council's: it holds children's records. Nothing was drawn.")
    with tempfile.TemporaryDirectory() as folder:
        panels = [_panel(pack / name, Path(folder), *rest) for name, *rest in PANELS]
    gap = np.full((MARGIN, WIDTH, 3), 255, np.uint8)
    picture.write_bytes(_png(np.vstack([part for panel in panels for part in (panel, gap)][:-1])))


def _panel(workbook: Path, folder: Path, sheet: str, rows: int, widths: dict[str, int]) -> Pixels:
    """The first rows of some columns of one sheet, as LibreOffice shows them."""
    book = openpyxl.load_workbook(workbook)
    shown = book[sheet]
    shown.delete_rows(rows + 1, shown.max_row)
    shown.auto_filter.ref = None
    shown.column_dimensions.clear()
    for column in range(1, shown.max_column + 1):
        letter = openpyxl.utils.get_column_letter(column)
        shown.column_dimensions[letter].width = widths.get(letter, 1)
        shown.column_dimensions[letter].hidden = letter not in widths
    for row in shown.iter_rows(min_row=2, max_row=rows):
        lines = max(-(-len(str(cell.value)) // widths.get(cell.column_letter, 1000)) for cell in row)
        shown.row_dimensions[row[0].row].height = 16 * lines
    for other in book.sheetnames:
        if other != sheet:
            del book[other]
    shown.print_title_rows = None
    shown.oddHeader.left.text, shown.oddHeader.left.size = f"{workbook.name}, sheet {sheet}", 12
    shown.oddFooter.left.text = shown.oddFooter.center.text = shown.oddFooter.right.text = ""
    book.save(folder / "panel.xlsx")
    subprocess.run(
        ["soffice", "--headless", "--convert-to", "pdf", "--outdir", folder, folder / "panel.xlsx"],
        check=True,
        capture_output=True,
    )
    ppm = subprocess.run(
        ["pdftoppm", "-f", "1", "-l", "1", "-r", "250", folder / "panel.pdf"], check=True, capture_output=True
    ).stdout
    return _framed(_scaled(_trimmed(_pixels(ppm)), WIDTH - 2 * MARGIN))


def _pixels(ppm: bytes) -> Pixels:
    _, size, _, data = ppm.split(b"\n", 3)
    width, height = map(int, size.split())
    return np.frombuffer(data, np.uint8).reshape(height, width, 3)


def _trimmed(pixels: Pixels) -> Pixels:
    """Without the white around it."""
    inked = (pixels < 250).any(axis=2)
    rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    return pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _scaled(pixels: Pixels, width: int) -> Pixels:
    """Made smaller, by averages along each direction in turn."""
    for axis, length in ((0, round(len(pixels) * width / pixels.shape[1])), (1, width)):
        edges = np.linspace(0, pixels.shape[axis], length + 1)
        sums = np.insert(np.cumsum(pixels, axis=axis, dtype=float), 0, 0, axis=axis)
        low = np.minimum(edges.astype(int), pixels.shape[axis] - 1)
        part = np.expand_dims(edges - low, tuple({0, 1, 2} - {axis}))
        at = np.take(sums, low, axis) + part * (np.take(sums, low + 1, axis) - np.take(sums, low, axis))
        pixels = (np.diff(at, axis=axis) * length / pixels.shape[axis]).round().astype(np.uint8)
    return pixels


def _framed(pixels: Pixels) -> Pixels:
    framed = np.pad(pixels, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), constant_values=255)
    framed[:2], framed[-2:], framed[:, :2], framed[:, -2:] = FRAME, FRAME, FRAME, FRAME
    return (framed / 17).round().astype(np.uint8) * 17  # 16 shades are enough, and a third of the size


def _png(pixels: Pixels) -> bytes:
    height, width, _ = pixels.shape
    lines = np.hstack([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)]).tobytes()
    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", size), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(__file__).with_name("outputs.png"))
