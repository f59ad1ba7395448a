"""Another folder of this machine, or of a drive that is mounted on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from extract.inbox import drive
from extract.inbox.drive import Unreadable, Unsettled
from pickup.sources import Source
from pickup.store import RemoteFile, moment
from pickup.trouble import Trouble


class Folder:
    """The files of one folder, without those of folders in it."""

    settles = True

    def __init__(self, folder: Path):
        self._folder = folder

    def listing(self) -> list[RemoteFile]:
        found, unreadable = drive.list_files(self._folder)
        if closed := [each for each in unreadable if each.path == self._folder]:
            raise Trouble(
                f"{self._folder} cannot be read: {closed[0].reason}. Connect its drive, or let the account that runs "
                "the pickup read it. It is tried again.",
                may_pass=True,
            )
        return [
            RemoteFile(path.name, about.st_size, moment(about.st_mtime), about.st_mtime)
            for path, about in found
            if path.parent == self._folder
        ]

    def read(self, file: RemoteFile) -> Iterator[bytes]:
        try:
            pieces = drive.read_pieces(self._folder / file.name)
            next(pieces)  # what it is
            yield from pieces
        except Unsettled:
            raise Trouble("It was written to while it was read. The next pickup takes it.", may_pass=True) from None
        except Unreadable as error:
            raise Trouble(
                f"It cannot be read: {error.reason}. Let the account that runs the pickup read it.", may_pass=True
            ) from None


@contextmanager
def opened(source: Source) -> Iterator[Folder]:
    """The folder of a source."""
    yield Folder(Path(source.options["folder"]))
