"""What lies damaged when the night begins: made again by running again, or named with what to do."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.faults import standing
from tests.faults.house import EVE, STEPS, House
from tests.golden.pipeline import FEEDS

FEED = "capita_one.students"
EXPORT = "capita_one_students_20261115.csv"
READ = tuple(step for step in STEPS if step[0] in ("begin", "extract"))
OUT = (("publish",), ("serve",))
EVE_RUN: dict[str, Any] = {"run_id": "eve", "as_at": EVE}


def truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def emptied(path: Path) -> None:
    os.truncate(path, 0)


def garbled(path: Path) -> None:
    """Other bytes, as many, in the middle: what only a hash tells."""
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 16] = bytes(byte ^ 0xFF for byte in data[middle : middle + 16])
    path.chmod(0o600)
    path.write_bytes(data)


def gone(path: Path) -> None:
    path.unlink()


DAMAGE = (truncated, emptied, garbled, gone)


def landed(house: House, pattern: str, feed: str = FEED) -> Path:
    """The one file of a feed's first day in the landing whose name ends like this."""
    folder = house.home / "landing" / feed.replace(".", "/") / EVE.isoformat()
    (found,) = (path for path in folder.glob(f"*{pattern}") if pattern != ".json" or path.name.count(".") == 1)
    return found


def result(house: House, feed: str = FEED, run_id: str = "eve") -> dict[str, Any]:
    path = house.home / "runs" / run_id / "feeds" / f"{feed.replace('.', '__')}.json"
    return dict(json.loads(path.read_text()))


def issues(house: House) -> list[tuple[str, str, str]]:
    """Rule, message and what to do of all that extract had to say."""
    path = house.home / "runs" / "eve" / "issues" / f"extract__{FEED.replace('.', '__')}.parquet"
    return duckdb.execute(f"SELECT rule, message, fix FROM '{path}'").fetchall()


def without_moments(found: dict[str, Any]) -> dict[str, Any]:
    return {path: held for path, held in found.items() if EVE.isoformat() in path}


def test_whatever_is_damaged_is_made_again_by_running_again(house: House, after_eve: Path) -> None:
    """The exports still lie in the inbox, as they do for as long as a council leaves them there."""
    home = house.home
    for path in (*house.inbox.glob("*_20261116.csv"), *house.inbox.glob("*20261112.csv")):
        path.unlink()  # those of the day after
    typed = [path for path in sorted((home / "typed").rglob("*.parquet")) if path.stat().st_size]
    for number, path in enumerate(typed):
        DAMAGE[number % len(DAMAGE)](path)
    for damage, feed in zip((truncated, emptied, gone), FEEDS[3:], strict=False):
        damage(landed(house, ".json", feed))
    truncated(landed(house, ".csv", "capita_one.attendance"))
    gone(landed(house, ".csv", FEED))
    for damage, feed in zip((truncated, emptied, gone), FEEDS[8:], strict=False):
        damage(next(path for path in landed(house, ".csv", feed).parent.glob("*.json") if path.name.count(".") == 2))
        damage(home / "runs" / "eve" / "feeds" / f"{feed.replace('.', '__')}.json")
    (home / "runs" / "eve" / "run.json").write_text("{")
    (home / "out" / "latest").unlink()
    (home / "out" / "latest").symlink_to("2026-11-14")
    truncated(home / "out" / EVE.isoformat() / "manifest.json")
    truncated(home / "serving" / "warehouse.duckdb")
    garbled(home / "serving" / "parquet" / "core" / "dim_person.parquet")

    house.night((*READ, ("validate-feeds",), *OUT), **EVE_RUN)

    standing.assert_whole(home)
    assert without_moments(standing.landed(home)) == without_moments(standing.landed(after_eve / "home"))
    assert standing.pack(home, EVE) == standing.pack(after_eve / "home", EVE)
    assert standing.served(home) == standing.served(after_eve / "home")
    for path in typed:
        assert path.read_bytes() == (after_eve / "home" / path.relative_to(home)).read_bytes()


@pytest.mark.parametrize(
    ("damage", "what", "named"),
    [
        (truncated, ".csv", ".csv"),
        (garbled, ".csv", ".csv"),
        (gone, ".csv", ".csv"),
        (truncated, ".json", ".json"),
        (gone, ".json", ".csv"),
    ],
)
def test_damage_in_the_landing_that_nothing_mends_is_named_and_the_other_feeds_go_on(
    house: House, damage: Callable[[Path], None], what: str, named: str
) -> None:
    for path in house.inbox.glob("capita_one_students_*"):
        path.unlink()
    shutil.rmtree(house.home / "typed")
    path = str(landed(house, named).relative_to(house.home))
    damage(landed(house, what))
    house.night((("extract", FEED), ("extract", FEEDS[0])), **EVE_RUN)
    assert result(house, FEEDS[0])["status"] == "fresh"

    found = result(house)
    assert (found["status"], found["typed_path"]) == ("refused", None)
    (file,) = found["files"]
    assert file["status"] == "refused" and file["reason"].startswith(f"F-25 {path}: ")
    (said,) = (issue for issue in issues(house) if issue[0] == "F-25")
    assert path in said[1]
    assert said[2] == "Restore it from the backup, or drop the export into the inbox again; then run again."
    verdict = house.run("verdict", FEED, **EVE_RUN)
    assert verdict.status == 1 and path in verdict.said


def test_the_file_before_a_damaged_one_is_used_and_the_export_dropped_again_mends_it(house: House) -> None:
    export = house.inbox / "capita_one_students_20261116.csv"
    kept = house.home.parent / "kept"
    house.night((("begin",), ("extract", FEED)))
    gone(next((house.home / "landing" / "capita_one" / "students" / "2026-11-16").glob("*.csv")))
    export.rename(kept)
    house.night((("extract", FEED),))
    assert (result(house, run_id="night")["status"], result(house, run_id="night")["data_date"]) == (
        "refused",
        EVE.isoformat(),
    )
    kept.rename(export)
    house.night((("extract", FEED),))
    assert (result(house, run_id="night")["status"], result(house, run_id="night")["data_date"]) == (
        "fresh",
        "2026-11-16",
    )


def test_files_of_one_date_keep_their_order_when_the_first_is_mended(house: House) -> None:
    second = house.inbox / "capita_one_students_20261115 (2).csv"
    shutil.copy2(house.inbox / EXPORT, second)
    with second.open("a", newline="") as file:
        file.write("99999,,,,,,,,\r\n")
    os.utime(second, (1_700_000_000, 1_700_000_000))
    house.night((("extract", FEED),), **EVE_RUN)
    assert result(house)["file_name"] == second.name
    first = next(file["sha256"] for file in result(house)["files"] if file["file_name"] == EXPORT)
    for suffix in (".csv", ".json"):
        damaged = house.home / "landing" / "capita_one" / "students" / EVE.isoformat() / f"{first}{suffix}"
        truncated(damaged)
        house.night((("extract", FEED),), **EVE_RUN)
        assert result(house)["file_name"] == second.name
        assert standing.assert_landing(house.home) is None


def test_half_a_result_of_a_feed_is_named_and_the_step_before_makes_it_again(house: House) -> None:
    path = house.home / "runs" / "eve" / "feeds" / "capita_one__students.json"
    truncated(path)
    truncated(house.home / "out" / EVE.isoformat() / "manifest.json")
    ended = house.run("publish", **EVE_RUN)
    assert (ended.status, "Traceback" in ended.said) == (2, False)
    assert f"{path} is damaged. Run `send-ready extract {FEED}`, and then this step again." in ended.said
    house.night((("extract", FEED),), **EVE_RUN)
    assert "This run made no pack." in house.run("summary", **EVE_RUN).said
    house.night((("publish",),), **EVE_RUN)
    truncated(path)
    house.night((("validate-feeds",), ("publish",)), **EVE_RUN)
    issues_of = path.parents[1] / "issues"
    truncated(issues_of / f"extract__{FEED.replace('.', '__')}.parquet")
    ended = house.run("publish", **EVE_RUN)
    assert (ended.status, "Traceback" in ended.said) == (2, False)
    assert f"A file in {issues_of} is damaged." in ended.said
    house.night((("extract", FEED), ("publish",)), **EVE_RUN)
    standing.assert_whole(house.home)


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_warehouse_of_the_run_is_told_with_what_to_do(house: House, damage: Callable[[Path], None]) -> None:
    path = house.home / "runs" / "eve" / "warehouse.duckdb"
    damage(path)
    if damage is garbled:
        path.write_bytes(b"garbled" + path.read_bytes()[7:])
    for step in ("validate-lists", "publish", "serve"):
        ended = house.run(step, **EVE_RUN)
        assert (step, ended.status, "Traceback" in ended.said) == (step, 2, False), ended.said
        assert str(path) in ended.said and "build it again with `send-ready build`" in ended.said
    standing.assert_whole(house.home)


def test_a_link_that_leads_nowhere_or_became_a_folder_is_turned_again(house: House) -> None:
    links = (house.home / "serving", house.home / "out" / "latest")
    for link in links:
        link.unlink()
        link.symlink_to("nowhere")
    house.night(OUT, **EVE_RUN)
    standing.assert_whole(house.home)
    for link in links:
        copy = link.with_name("followed")
        shutil.copytree(link, copy)  # as a backup leaves it that follows links
        link.unlink()
        copy.rename(link)
    house.night(OUT, **EVE_RUN)
    standing.assert_whole(house.home)
    for link in links:
        assert link.is_symlink() and any(link.with_name(f"{link.name}.copy").iterdir())


def test_half_a_record_of_the_newest_run_is_named_and_begun_again(house: House) -> None:
    path = house.home / "runs" / "eve" / "run.json"
    truncated(path)
    for run_id, left in (("", None), ("eve", None), ("eve", '{"run_id": "eve"}'), ("eve", "{}")):
        if left:
            path.write_text(left)
        ended = house.run("publish", run_id=run_id, as_at=EVE)
        assert ended.status == 2
        assert f"{path} is damaged. Begin the run again with `send-ready begin`, or another one." in ended.said
    house.night((("begin",), ("publish",)), **EVE_RUN)
