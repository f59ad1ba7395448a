"""Which feed a table is like, and what is proposed for its columns: values say more than headings."""

from collections.abc import Sequence
from pathlib import Path

from onboarding import proposals, survey
from onboarding.matching import Likeness, share_of_kind
from send_ready import settings
from send_ready.settings import Settings
from tests.onboarding import odd

ROLL: list[Sequence[object]] = [
    ["LEA", "Estab", "UPN", "Enrolled", "NCY", "Start", "SEN", "SEN start", "Sec need", "Prim need"],
    *(["999", f"{2000 + at % 30}", odd.upn(at), "Single", at % 12, f"{1 + at % 28}/09/2024", "KEN"[at % 3],
       "01/09/2023", ("", "SLCN", "MLD")[at % 3], ("SEMH", "ASD", "SPLD", "MLD")[at % 4]] for at in range(90)),
]  # fmt: skip


def given(folder: Path, rows: Sequence[Sequence[object]]) -> Settings:
    (folder / "inbox").mkdir()
    odd.write_csv(folder / "inbox" / "Pupils by school.csv", rows)
    (folder / "config").mkdir()
    return settings.load({name: str(folder / name[5:].lower()) for name in ("SEND_HOME", "SEND_INBOX", "SEND_CONFIG")})


def likenesses(found: survey.Survey) -> dict[str, Likeness]:
    (group,) = found.groups
    return {each.feed: each for each in survey.proposed_likenesses(group)}


def test_a_school_by_four_digits_beside_its_authority_gives_enrolments(tmp_path: Path) -> None:
    held = likenesses(survey.look(given(tmp_path, ROLL)))["capita_one.enrolments"].matched
    headings = {name: match.heading for name, match in held.items()}
    assert headings == {
        "dfe_number": "Estab", "dfe_la": "LEA", "upn": "UPN", "enrolment_status": "Enrolled", "nc_year": "NCY",
        "entry_date": "Start",
    }  # fmt: skip


def test_codes_of_another_list_are_no_needs_and_a_heading_says_which_need_is_the_main_one(tmp_path: Path) -> None:
    found = likenesses(survey.look(given(tmp_path, ROLL)))
    assert found["capita_one.sen_needs"].beside == ("Prim need", "Sec need")
    assert found["capita_one.sen_provision"].matched["sen_provision"].heading == "SEN"


def test_of_a_feed_that_is_prepared_nothing_is_asked(tmp_path: Path) -> None:
    house = given(tmp_path, ROLL)
    before = proposals.propose(survey.look(house), house, {})
    assert any("capita_one.sen_needs" in row.key for row in before.feeds)
    for name, text in {
        "sources/roll.yml": 'title: T\nowner: O\nfile_names: ["Pupils by school"]\nstale_after_days: 31\n',
        "prepare/capita_one__sen_needs.sql": 'SELECT "UPN", "Prim need" AS "SEN Type 1", _file, _line FROM roll\n',
        "prepare/capita_one__attendance.sql": 'SELECT "UPN", "Start" AS "Period Start", _file, _line FROM roll\n',
    }.items():
        path = tmp_path / "config" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    found = proposals.propose(survey.look(house), house, {})
    keys = {part for row in (*found.sources, *found.feeds, *found.columns, *found.absent) for part in row.key}
    assert "capita_one.enrolments" in keys
    assert keys.isdisjoint({"capita_one.sen_needs", "capita_one.attendance"}) and not found.sources


def test_a_share_is_never_rounded_up_to_all(tmp_path: Path) -> None:
    rows = [["UPN", "Start"], *([odd.upn(at), "01/09/2024"] for at in range(3417)), *[["Malik,Amara", "x"]] * 7]
    (seen,) = survey.look(given(tmp_path, rows)).seen
    assert [share_of_kind(each) for each in seen.profiles] == ["99.8% (7 are not)", "99.8% (7 are not)"]
