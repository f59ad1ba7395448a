"""Records that somebody else wrote, restored or in place: nothing outside SEND_HOME is read, written or removed."""

import io
import json
import os
import tarfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trials
from hypothesis import strategies as st

from extract import contract as contracts
from extract import landing, read_file, removed
from inspection import call, chronologies, release_log
from operations.backup.archive import LIST
from operations.backup.restore import restore
from operations.retention.purge import purge, unfinished
from send_ready import confined, files, runs
from send_ready.errors import RunError
from send_ready.folders import point, replaced
from send_ready.home import PURGES
from send_ready.runs import Run
from tests.operations.home import NOW, TODAY, land, pack, settings
from warehouse import serve

STUDENTS = "capita_one.students"
DO = {"do": True, "by": "amina", "why": "Old"}
OLD = TODAY - timedelta(days=3000)
UPWARDS = ("../outside", "../../outside", "/etc", "out/../../outside", "..", ".", "", "out/2019-01-01/../../../outside",
           "out//2019-01-01", "out/2019-01-01/", "./out/2019-01-01", "out/2019-01-01\0", "out/2019-01-01\n", None, 7,
           ["out"], "landing", "records", "out", "inbox", "out/inspections", "o" * 5000, "~", "out/*",
           "link/2019-01-01")  # fmt: skip


SERVED = {"run_id": "a", "as_at": "2026-11-16", "previous": None, "files": {}}


class House:
    """A SEND_HOME, and a neighbour whose files are nobody's business."""

    def __init__(self, folder: Path) -> None:
        self.home, self.outside = folder / "home", folder / "outside"
        for name in ("2019-01-01", "released", "deep/er"):
            files.write_bytes(self.outside / name / "secret.txt", b"Outsider")
        (self.outside / "released").chmod(0o500)
        self.home.mkdir(mode=0o700)
        self.before = self.elsewhere()

    def elsewhere(self) -> dict[str, tuple[int, bytes]]:
        """What lies outside: modes and bytes."""
        return {
            str(path): (path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
            for path in self.outside.rglob("*")
        }

    def purge(self, **changes: Any) -> str:
        said = "\n".join(purge(settings(self.home), NOW, **{**DO, **changes}))
        assert self.elsewhere() == self.before
        return said


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    assert made.elsewhere() == made.before
    (made.outside / "released").chmod(0o700)


def begun(house: House, *items: Any) -> None:
    """A removal that was cut off, in a chain that is sound."""
    line = {"event": "begun", "at": "2026-11-01T09:00:00+00:00", "by": "x", "why": "y", "person": None}
    release_log.append(house.home / PURGES, {**line, "items": list(items)})


# Purges


@pytest.mark.parametrize("kind", ["packs", "landing", "leftovers", "runs", "inspections", "typed", "nothing", None])
def test_a_removal_on_record_never_leads_elsewhere_nor_keeps_the_rest(house: House, kind: Any) -> None:
    (house.home / "link").symlink_to(house.outside)
    going = pack(house.home, OLD)
    bad = [{"kind": kind, "path": path, "files": 1, "bytes": 1, "sha256": None} for path in UPWARDS]
    begun(house, *bad, {"kind": "packs", "path": f"out/{OLD}", "files": 1, "bytes": 1, "sha256": None})
    before = {each.name for each in house.home.iterdir()}
    assert house.purge().count("Left as it is") == len(UPWARDS)
    assert not going.exists()
    assert {each.name for each in house.home.iterdir()} >= before - {"link"}
    assert not unfinished(house.home)
    assert "Left as it is" not in house.purge()


@pytest.mark.parametrize("on_the_way", ["out", f"out/{OLD}", "out/inspections"])
def test_a_link_on_the_way_is_told_and_left(house: House, on_the_way: str) -> None:
    link = house.home / on_the_way
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(house.outside)
    kind, path = ("inspections", f"out/inspections/{OLD}_x") if "insp" in on_the_way else ("packs", f"out/{OLD}")
    begun(house, {"kind": kind, "path": path, "files": 1, "bytes": 1, "sha256": None})
    said = house.purge()
    assert f"{link} is a link" in said
    assert link.is_symlink()
    assert not unfinished(house.home)


def test_a_pack_that_was_moved_away_and_linked_is_told_and_the_rest_goes(house: House) -> None:
    moved, going = OLD, OLD + timedelta(days=1)
    pack(house.home, moved).rename(house.outside / "2019-01-01" / "pack")
    house.before = house.elsewhere()
    (house.home / "out" / moved.isoformat()).symlink_to(house.outside / "2019-01-01" / "pack")
    pack(house.home, going)
    newest = pack(house.home, TODAY)
    said = house.purge()
    assert f"{house.home}/out/{moved} is a link in the place of out/{moved}: neither it nor what it leads to" in said
    assert (house.home / "out" / moved.isoformat()).is_symlink()
    assert not (house.home / "out" / going.isoformat()).exists()
    assert newest.exists()
    again = house.purge()  # nothing is left to do, and it says so, every time
    assert "is a link" in again and "Nothing is older than its period." in again


@pytest.mark.parametrize("place", ["runs/old", "published/old", "board/2010-01", "inspections/2010-01-01_x",
                                   "rehearsals/2010-01-01_x", "2010-01-01"])  # fmt: skip
def test_links_in_the_place_of_anything_are_left_alone(house: House, place: str) -> None:
    link = house.home / (place if place.split("/")[0] in ("runs", "published") else f"out/{place}")
    link.parent.mkdir(parents=True)
    link.symlink_to(house.outside / "released")
    os.utime(link, (0, 0), follow_symlinks=False)
    files.write_bytes(link.parent / "zz" / "run.json", b"{}")
    pack(house.home, TODAY)
    house.purge()
    assert link.is_symlink()


def test_a_landed_record_that_names_other_bytes_is_none(house: House) -> None:
    landed = land(house.home, STUDENTS, OLD, b"a")
    path = house.home / landed.folder / f"{landed.sha256}.json"
    sound = files.read_json(path)
    changes: list[dict[str, Any]] = [
        {"suffix": "/../../../../../../outside/deep"}, {"suffix": ".csv/../x"}, {"suffix": None}, {"source": "../.."},
        {"feed": "../../../outside"}, {"sha256": "../x"}, {"sha256": "0" * 64}, {"data_date": "2019-01-02"},
        {"source": ["a"]}, {"landed_at": "soon"}, {"duplicate_of": "../x"}, {"size": "1"}, {"file_name": 3},
    ]  # fmt: skip
    contract = contracts.load(STUDENTS, settings(house.home))
    for change in changes:
        files.write_json(path, {**sound, **change})
        history, damaged = landing.history_and_damage(house.home, contract)
        assert history == [], change
        assert damaged[0].path.name.startswith(landed.sha256)
        house.purge()
        land(house.home, STUDENTS, OLD, b"a")
    files.write_json(path, sound)
    assert landing.history(house.home, contract) == [landed]


@pytest.mark.parametrize("place", ["landing", "landing/capita_one", "landing/capita_one/students"])
def test_a_landing_that_is_a_link_is_refused(house: House, place: str) -> None:
    link = house.home / place
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(house.outside)
    with pytest.raises(RunError, match="is a link"):
        landing.history(house.home, contracts.load(STUDENTS, settings(house.home)))


def test_bytes_that_are_a_link_are_not_read(house: House) -> None:
    landed = land(house.home, STUDENTS, OLD, b"Outsider")
    (house.home / landed.path).unlink()
    (house.home / landed.path).symlink_to(house.outside / "2019-01-01" / "secret.txt")
    history, [damage] = landing.history_and_damage(house.home, contracts.load(STUDENTS, settings(house.home)))
    assert history == [] and "a link" in damage.reason


def test_notes_of_removals_are_those_of_their_feed(house: House) -> None:
    landed = land(house.home, STUDENTS, OLD, b"a")
    gone = removed.Removed(landed, True, TODAY)
    for change in ({"source": "../../outside"}, {"feed": "plans"}, {"suffix": "/../x"}, {"sha256": "x"}):
        path = house.home / "landing" / "capita_one" / "students" / removed.NAME
        files.write_bytes(path, json.dumps({**removed.to_record(gone), **change}).encode())
        with pytest.raises(RunError, match="is damaged"):
            removed.removed_files(house.home, contracts.load(STUDENTS, settings(house.home)))
    with pytest.raises(RunError, match="names a path"):
        removed.add(house.home, [removed.Removed(replace(landed, source="../../outside"), True, TODAY)])


# Runs, published versions, calls


@pytest.mark.parametrize("name", ["typed_path", "quarantine_path", "landing_path"])
@pytest.mark.parametrize("path", ["/etc/passwd", "../outside/deep", "typed/../../outside", "typed/*/rows.parquet",
                                  "runs/x", "typed/a\0.parquet", 3, ["typed/x.parquet"]])  # fmt: skip
def test_a_feeds_result_names_files_of_this_home(house: House, name: str, path: Any) -> None:
    run = Run(house.home, "one", TODAY, "999")
    files.write_json(run.feed_result(STUDENTS), {"status": "fresh", name: path})
    for look in (lambda: runs.feed_result(run, STUDENTS), lambda: runs.feed_results(run)):
        with pytest.raises(RunError, match="names a path that no such record holds"):
            look()


def test_a_run_is_that_of_its_folder(house: House) -> None:
    about = {
        "run_id": "../../outside",
        "as_at": "2026-11-16",
        "la_code": "999",
        "begun_at": "2026-11-16T02:00:00+00:00",
    }
    files.write_json(house.home / "runs" / "one" / "run.json", about)
    with pytest.raises(RunError, match="is damaged"):
        runs.find(settings(house.home, run_id="one"))
    files.write_json(house.home / "out" / "latest" / "manifest.json", about)
    with pytest.raises(RunError, match="No run with a warehouse"):
        chronologies._newest_run(house.home, TODAY)


@pytest.mark.parametrize("previous", ["../../outside", "..", "a/b", "/etc", 3])
def test_a_published_version_names_its_like(house: House, previous: Any) -> None:
    folder = house.home / "published" / "now"
    files.write_json(folder / serve.RECORD, {"run_id": "a", "as_at": "2026-11-16", "previous": previous, "files": {}})
    point(house.home / "serving", folder)
    with pytest.raises(RunError, match="No version before"):
        serve.rollback(settings(house.home))
    files.write_json(folder / serve.RECORD, {**SERVED, "files": {"../x": "0"}})
    assert serve.served_version(settings(house.home)) is None


def test_what_is_served_lies_in_published(house: House) -> None:
    files.write_json(house.home / "elsewhere" / serve.RECORD, SERVED)
    (house.home / "serving").symlink_to("elsewhere")
    assert serve.served_version(settings(house.home)) is None


@pytest.mark.parametrize("change", [{"version": "1/../../../../outside"}, {"version": True}, {"version": None},
                                    {"unique_ids": None}, {"run_id": None}])  # fmt: skip
def test_a_call_is_that_of_its_folder(house: House, change: dict[str, Any]) -> None:
    made = {"version": 1, "run_id": "one", "triggered_at": "x", "unique_ids": [], "seed": ""}
    about = {"notified_on": "2026-11-16", "kind": "full_inspection", "is_rehearsal": False}
    path = house.home / "out" / "inspections" / "2026-11-16_full_inspection" / "request.json"
    files.write_json(path, {**about, "versions": [made]})
    assert call.version_of_run(house.home, "one").number == 1
    of_another_day, of_no_kind = {"notified_on": "2026-11-17"}, {"kind": "../../outside"}
    others = [{**about, **each, "versions": [made]} for each in (of_another_day, of_no_kind)]
    for record in ({**about, "versions": [{**made, **change}]}, *others, {"versions": 3}, {}):
        files.write_json(path, record)
        with pytest.raises(RunError, match="was not begun for an inspection"):
            call.version_of_run(house.home, "one")


# Files by names that anybody could foresee


def test_no_file_is_written_through_a_link(house: House) -> None:
    target = house.outside / "deep" / "er" / "secret.txt"
    home = house.home
    for name in ("lock", f".x.json.{os.getpid()}.partial", "log.jsonl"):
        (home / name).symlink_to(target)
    with pytest.raises(OSError), files.locked(home / "lock"):
        pass
    files.write_json(home / "x.json", {})
    with pytest.raises(OSError), files.appended(home / "log.jsonl"):
        pass
    with pytest.raises(OSError):
        release_log.append(home / "log.jsonl", {})
    os.link(target, home / "hard")
    with files.locked(home / "hard"):
        pass  # nor is what has another name cut
    (home / "hard").unlink()


def test_a_pipe_is_not_waited_for(house: House) -> None:
    for name in ("record.json", "lock"):
        os.mkfifo(house.home / name)
    assert runs.read_record(house.home / "record.json") is None
    with pytest.raises(OSError):
        files.sha256(house.home / "record.json")
    with pytest.raises(OSError), files.locked(house.home / "lock"):
        pass


@pytest.mark.parametrize("state", ["partial", "previous", None])
def test_a_folder_takes_the_place_of_a_link_and_not_of_its_target(house: House, state: str | None) -> None:
    target = house.home / "out" / TODAY.isoformat()
    target.parent.mkdir()
    link = target.with_name(f".{target.name}.{state}") if state else target
    link.symlink_to(house.outside / "released")
    for text in ("one", "two"):
        with replaced(target) as folder:
            (folder / "a").write_text(text)
        assert not target.is_symlink() and (target / "a").read_text() == text
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def test_what_a_reading_left_is_removed_and_not_what_it_links_to(house: House) -> None:
    scratch = house.home / "typed" / "capita_one" / "students"
    scratch.mkdir(parents=True)
    (scratch / ".reading").symlink_to(house.outside / "released")
    export = files.write_bytes
    export(house.home / "x.csv", b"Student ID\n1\n")
    contract = contracts.load(STUDENTS, settings(house.home))
    with read_file.opened_export(house.home / "x.csv", ".csv", contract, scratch):
        pass
    assert not os.path.lexists(scratch / ".reading")


def test_what_is_swapped_while_it_is_removed_leads_nowhere(house: House) -> None:
    """Somebody puts a link in the place of a folder again and again while the tree goes."""
    stop = threading.Event()
    tree = house.home / "out" / "tree"

    def swap() -> None:
        while not stop.is_set():
            for name in ("a", "b", "c"):
                with suppress(OSError):
                    (tree / name).rename(tree / f"{name}.away")
                    (tree / name).symlink_to(house.outside / "released")

    worker = threading.Thread(target=swap)
    worker.start()
    try:
        for _ in range(60):
            for name in ("a", "b", "c", "d"):
                stock = house.home / "stock" / name
                files.write_bytes(stock / "deep" / "x", b"x")
                with suppress(OSError):  # a link has its place now
                    tree.mkdir(parents=True, exist_ok=True)
                    stock.rename(tree / name)
            for _ in range(50):
                try:
                    confined.remove(house.home, "out/tree")
                    break
                except OSError:
                    continue
    finally:
        stop.set()
        worker.join()
    assert house.elsewhere() == house.before


def test_a_link_on_the_way_to_what_is_removed_is_not_followed(house: House) -> None:
    (house.home / "way").symlink_to(house.outside / "released")
    for name in [path.name for path in (house.outside / "released").iterdir()]:
        with pytest.raises(confined.NotRemovedError):
            confined.remove(house.home, f"way/{name}")
    assert house.elsewhere() == house.before


def test_a_closed_tree_goes_whole(house: House) -> None:
    tree = house.home / "tree"
    files.write_bytes(tree / "a" / "b" / "x", b"x")
    (tree / "a" / "link").symlink_to(house.outside / "released")
    os.mkfifo(tree / "a" / "pipe")
    for path in (tree / "a" / "b", tree / "a", tree):
        path.chmod(0o500)
    confined.remove(house.home, "tree")
    assert not tree.exists()


# Archives

NAMES = st.one_of(
    st.sampled_from([f"landing/capita_one/students/2019-01-01/{'a' * 64}.json", PURGES,
                     f"landing/capita_one/students/2019-01-01/{'a' * 64}.csv", "out/2019-01-01/manifest.json",
                     "out/inspections/release_log.jsonl", "out/inspections/2019-01-01_full_inspection/request.json",
                     "out/inspections/2019-01-01_full_inspection/v1/manifest.json", "config/a.yml",
                     "out/inspections/2019-01-01_full_inspection/released/v1/receipt.json", "out/alerts.jsonl",
                     "landing/capita_one/students/removed.jsonl", "out/../../outside/x", "/etc/x", "out/.hidden/x",
                     "runs/x/run.json", "locks/x", "out/x\ny", "out/" + "d/" * 60 + "x", "out/" + "n" * 300, "out",
                     ".restoring/whole.json", "inbox/x.csv", "airflow/x", "config/../out/x", "out/latest"]),
    st.lists(st.sampled_from(["out", "landing", "config", "records", "..", ".", "", "a", "é", "\x1b[31m", "*"]),
             min_size=1, max_size=5).map("/".join),
)  # fmt: skip
PATHS = st.one_of(st.sampled_from([*(each for each in UPWARDS if isinstance(each, str)), f"out/{OLD}", "runs/a"]))
VALUES = st.one_of(PATHS, st.none(), st.integers(-5, 5), st.booleans(), st.lists(PATHS, max_size=2))
ITEMS = st.fixed_dictionaries({"kind": st.sampled_from(["packs", "landing", "leftovers", "x"]), "path": VALUES,
                               "sha256": VALUES, "landed": VALUES})  # fmt: skip
RECORDS_OF = st.one_of(
    st.fixed_dictionaries({"source": VALUES, "feed": VALUES, "suffix": VALUES, "sha256": VALUES, "data_date": VALUES,
                           "file_name": VALUES, "size": VALUES, "mtime_ns": VALUES, "landed_at": VALUES,
                           "duplicate_of": VALUES}),
    st.fixed_dictionaries({"run_id": VALUES, "outputs": st.dictionaries(PATHS, VALUES, max_size=2), "as_at": VALUES,
                           "request": st.one_of(VALUES, st.fixed_dictionaries({"version": VALUES, "kind": VALUES}))}),
    st.fixed_dictionaries({"versions": st.lists(st.fixed_dictionaries({"version": VALUES, "run_id": VALUES}),
                                                max_size=2), "kind": VALUES, "notified_on": VALUES}),
    st.fixed_dictionaries({"event": st.sampled_from(["begun", "ended"]), "begun": VALUES, "at": VALUES, "by": VALUES,
                           "why": VALUES, "sequence": VALUES, "items": st.one_of(VALUES, st.lists(ITEMS, max_size=3))}),
    VALUES,
)  # fmt: skip
CONTENTS = st.one_of(RECORDS_OF.map(lambda value: json.dumps(value).encode()), st.binary(max_size=30))
TYPES = st.sampled_from([tarfile.REGTYPE] * 6 + [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE,
                                                 tarfile.DIRTYPE, tarfile.GNUTYPE_SPARSE, b"?"])  # fmt: skip
MEMBERS = st.tuples(NAMES, CONTENTS, TYPES, st.sampled_from([0o600, 0o400, 0o4755, 0o777]), PATHS)


def archive_of(path: Path, members: list[tuple[str, bytes, bytes, int, str]], *, is_chained: bool) -> Path:
    listed: dict[str, Any] = {}
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as tar:
        for name, content, kind, mode, link in members:
            if is_chained and name.endswith("purges.jsonl"):
                content = chained(content)
            about = tarfile.TarInfo(name)
            about.type, about.mode, about.linkname = kind, mode, link.replace("\0", "")
            about.size = len(content) if kind == tarfile.REGTYPE else 0
            tar.addfile(about, io.BytesIO(content))
            digest = files.hashlib.sha256(content[: about.size]).hexdigest()
            listed[about.name] = {"bytes": about.size, "sha256": digest, "mode": mode & 0o777}
        text = {"format": 1, "la_code": "999", "code_style": "lettered", "made_at": "now", "code_version": "0"}
        data = json.dumps({**text, "files": listed}).encode()
        last = tarfile.TarInfo(LIST)
        last.size = len(data)
        tar.addfile(last, io.BytesIO(data))
    return path


def chained(content: bytes) -> bytes:
    """A line as release_log would write it: an attacker knows how."""
    try:
        body = {**json.loads(content), "sequence": 1, "previous_sha256": release_log.FIRST}
    except (ValueError, TypeError):
        return content
    return release_log._line(body) + b"\n"


@trials(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(MEMBERS, min_size=1, max_size=4), st.booleans())
def test_whatever_an_archive_holds_nothing_outside_is_touched(
    members: list[tuple[str, bytes, bytes, int, str]], is_chained: bool
) -> None:
    """The restore ends in a sentence or in files below the home; so does the purge that follows it."""
    with TemporaryDirectory() as folder:
        house = House(Path(folder))
        path = archive_of(Path(folder) / "a.tar.gz", members, is_chained=is_chained)
        try:
            restore(settings(house.home), path)
        except RunError as refused:
            assert str(refused).endswith((".", "changed")) or "\n" not in str(refused)
            assert not [each for each in house.home.rglob("*") if each.is_file() and "locks" not in each.parts]
        there = list(house.home.rglob("*"))
        assert all(each.resolve().is_relative_to(house.home.resolve()) for each in there)
        assert {each.name for each in Path(folder).iterdir()} == {"home", "outside", "a.tar.gz"}
        try:
            purge(settings(house.home), NOW, **DO)
        except RunError as refused:
            assert str(refused)
        assert house.elsewhere() == house.before
        (house.outside / "released").chmod(0o700)


def test_an_archive_whose_removal_leads_elsewhere_is_refused_by_name(house: House, tmp_path: Path) -> None:
    item = {"kind": "packs", "path": "../outside/released", "files": 1, "bytes": 1, "sha256": None}
    line = json.dumps({"event": "begun", "at": "x", "by": "x", "why": "y", "items": [item]}).encode()
    members = [(PURGES, line, tarfile.REGTYPE, 0o600, "x")]
    path = archive_of(tmp_path / "a.tar.gz", members, is_chained=True)
    with pytest.raises(RunError, match=r"line 1 of its records/purges\.jsonl names .*\.\./outside/released"):
        restore(settings(house.home), path)
    assert [each.name for each in house.home.iterdir()] == ["locks"]


def test_what_is_only_damaged_is_told_and_restored(house: House, tmp_path: Path) -> None:
    name = f"landing/capita_one/students/{date(2019, 1, 1)}/{'a' * 64}"
    members = [(f"{name}.json", b"{", tarfile.REGTYPE, 0o600, "x"), (f"{name}.csv", b"x", tarfile.REGTYPE, 0o600, "x")]
    said = "\n".join(restore(settings(house.home), archive_of(tmp_path / "a.tar.gz", members, is_chained=False)))
    assert f"{name}.json is damaged, as it was when it was backed up." in said
    assert f"{name}.csv does not hold what came under that name" in said
    assert (house.home / f"{name}.csv").read_bytes() == b"x"


def test_an_archive_larger_than_the_room_is_refused_before_it_is_unpacked(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = [("out/a", bytes(5000), tarfile.REGTYPE, 0o600, "x")]
    path = archive_of(tmp_path / "a.tar.gz", members, is_chained=False)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=4000))
    with pytest.raises(RunError, match="more than the 4,000 bytes that are free"):
        restore(settings(house.home), path)
