"""Which rules must exist, with which severity, and that every rule reads columns that exist."""

import re
from pathlib import Path

import pytest
import yaml

from expectations import feeds, frames, lists
from expectations.rules import Rule, RuleError, rules_in
from extract import contract as contracts
from send_ready import database, layout, settings
from send_ready.database import identifier
from tests.rules.examples import AS_AT, feed_columns, list_columns

SHIPPED = settings.load({})
LIST_1, LIST_2 = layout.lists()
CONTRACTS = contracts.load_all(SHIPPED)

# The public validator's rules, and ours with the severity that the specification of the lists gives.
PUBLIC_1 = [
    "101a",
    "101b",
    "101c",
    "101d",
    "102a",
    "102b",
    "103",
    "105a",
    "105b",
    "105c",
    "105d",
    "106a",
    "106b",
    "107",
    "108a",
    "108b",
    "109",
]
PUBLIC_2 = ["201a", "201b", "201c", "201d", "202a", "202b", "203", "205a", "207", "208a", "208b", "209"]
OURS = {
    "L-110": {"error"},
    "L-111": {"error"},
    "L-112": {"error"},
    "L-113": {"error"},
    "L-114": {"error"},
    "L-115": {"query"},
    "L-116": {"error"},
    "L-117": {"query"},
    "L-118": {"query"},
    "L-119": {"query"},
    "L-120": {"error"},
    "L-121": {"query"},
    "L-122": {"query"},
    "L-123": {"error", "query"},
    "L-124": {"error"},
    "L-125": {"query"},
    "L-126": {"error"},
    "L-127": {"error"},
    "L-128": {"query"},
}
PLANS_ONLY = {"L-110", "L-118", "L-122", "L-127"}


def severities(rules: list[Rule]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for rule in rules:
        found.setdefault(rule.code, set()).add(rule.severity)
    return found


def test_list_1_has_every_rule() -> None:
    declared = severities(lists.rules_of(LIST_1, SHIPPED))
    assert sorted(declared) == sorted([*PUBLIC_1, *OURS])
    assert {code: declared[code] for code in OURS} == OURS | {"L-123": {"error"}}
    assert (declared["102a"], declared["102b"]) == ({"query"}, {"error"})


def test_list_2_has_every_rule() -> None:
    declared = severities(lists.rules_of(LIST_2, SHIPPED))
    ours = {code: severity for code, severity in OURS.items() if code not in PLANS_ONLY}
    assert sorted(declared) == sorted([*PUBLIC_2, *ours])
    assert {code: declared[code] for code in ours} == ours
    assert (declared["202a"], declared["202b"]) == ({"query"}, {"error"})


@pytest.mark.parametrize("listed", [LIST_1, LIST_2], ids=lambda listed: listed.key)
def test_codes_are_checked_in_every_coded_column(listed: layout.ListLayout) -> None:
    """L-124 looks at each coded column twice: for values outside the set, and for values not mapped."""
    checked = [rule.column for rule in lists.rules_of(listed, SHIPPED) if rule.code == "L-124"]
    assert sorted(checked) == sorted(2 * [column.column_name for column in listed.columns if column.code_set])


def test_every_feed_has_rules_of_its_own() -> None:
    """One file a feed, no file without a feed, one prefix a file, no code twice.

    Of a SEN2 return that was read, what is wrong is told by what reads it and sets it beside the council's own.
    """
    own = [contract for contract in CONTRACTS if contract.source != "sen2"]
    assert sorted(path.stem for path in feeds.SHIPPED.glob("*.yml")) == sorted(contract.name for contract in own)
    prefixes, codes = [], []
    for contract in own:
        rules = feeds.rules_of(contract.id, SHIPPED)
        (prefix,) = {rule.code.rpartition("-")[0] for rule in rules}
        assert re.fullmatch(r"S-[A-Z]{3}", prefix)
        prefixes.append(prefix)
        codes += [rule.code for rule in rules]
    assert len(prefixes) == len(set(prefixes))
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.id)
def test_feed_rules_read_columns_of_the_contract(contract: contracts.Contract) -> None:
    """Every column that a rule reads is in the contract or is a helper that the contract's columns can give."""
    columns = feed_columns(contract)
    helpers = frames.EVERYWHERE | frames.HELPERS.get(contract.id, {})
    rules = feeds.rules_of(contract.id, SHIPPED)
    needed = {column for rule in rules for column in rule.needs}
    assert needed <= set(columns) | set(helpers)
    assert set(frames.HELPERS.get(contract.id, {})) <= needed, "a helper that no rule uses"
    assert {rule.column for rule in rules} <= set(columns)
    with database.scratch() as con:
        con.execute(f"CREATE TABLE typed ({', '.join(f'{identifier(c)} {kind}' for c, kind in columns.items())})")
        frame = frames.frame_of(con, "typed", "rowid", contract.id, needed, AS_AT)
    assert set(frame.columns) == needed


@pytest.mark.parametrize("listed", [LIST_1, LIST_2], ids=lambda listed: listed.key)
def test_the_frames_of_these_tests_are_the_warehouse_s(listed: layout.ListLayout) -> None:
    """The columns that the examples are made of are those that dbt says its frame has."""
    model = f"int_annex_a__{listed.key}_frame"
    path = settings.PROJECT / "dbt_project" / "models" / "intermediate" / f"{model}.yml"
    (described,) = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
    assert described["name"] == model
    assert {column["name"] for column in described["columns"]} == set(list_columns(listed))


@pytest.mark.parametrize("listed", [LIST_1, LIST_2], ids=lambda listed: listed.key)
def test_list_rules_read_columns_of_the_frame(listed: layout.ListLayout) -> None:
    """Every column that a rule reads is in the frame, and every issue is about a column of the list."""
    rules = lists.rules_of(listed, SHIPPED)
    readable = frames.readable(listed.name, list_columns(listed))
    assert {column for rule in rules for column in rule.needs} <= readable
    assert {rule.column for rule in rules} <= {column.column_name for column in listed.columns}


def test_words_are_for_people() -> None:
    """A message and a fix are whole sentences, without SQL names or code."""
    rules = [rule for c in CONTRACTS for rule in feeds.rules_of(c.id, SHIPPED)]
    rules += [rule for listed in (LIST_1, LIST_2) for rule in lists.rules_of(listed, SHIPPED)]
    for rule in rules:
        for text in (rule.message, rule.fix):
            assert re.fullmatch(r"[A-Z].*[.]", text), f"{rule.id}: {text}"
            assert len(text) < 200, rule.id
        assert not re.search(r"[a-z]_[a-z]|[{}$<>]", rule.message), rule.id


def test_list_rules_have_an_owner() -> None:
    """A feed's rules fall back on the owner of the feed; a list has none to fall back on."""
    for listed in (LIST_1, LIST_2):
        assert all(rule.owner for rule in lists.rules_of(listed, SHIPPED))


GOOD = """
rules:
  - {code: S-X-01, severity: error, column: a, expect: expect_column_values_to_be_null,
     message: M., fix: F., passes: [{a: null}], fails: [{a: 1}]}
"""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("severity: error", "severity: fatal"), "severity is fatal, and must be one of: stop"),
        (("message: M.,", ""), "'message' is missing"),
        (("message: M.,", "message: M., colour: red,"), "unknown key colour"),
        (("fix: F.,", "fix: F., when: 'a ==',"), "cannot be read|condition"),
        (("rules:", "rule:"), "unknown key rule"),
        (("rules:", "rules: ["), "not YAML"),
        (("rules:", "owner: 2026-13-45\nrules:"), "not YAML"),  # a date for PyYAML, no error of its own
        (("rules:", "rules:\n  - none"), "rule 1 is not a record"),
        (("fix: F.,", "fix: F., kwargs: {column: [a]},"), "a column among its arguments is not a name"),
        (("fix: F.,", "fix: [F.],"), "and must be text"),
        (("passes: [", "passes: x, aspect: ["), "passes is x, and must be a list"),
    ],
)
def test_a_record_that_is_not_a_rule_is_refused(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    """The message names what is wrong; the same file without the mistake loads."""
    path = tmp_path / "rules.yml"
    path.write_text(GOOD)
    assert [rule.code for rule in rules_in(path)] == ["S-X-01"]
    path.write_text(GOOD.replace(*change))
    with pytest.raises(RuleError, match=said):
        rules_in(path)


def test_the_same_code_twice_needs_an_aspect(tmp_path: Path) -> None:
    path = tmp_path / "rules.yml"
    record = GOOD.partition("rules:\n")[2]
    path.write_text(GOOD + record)
    with pytest.raises(RuleError, match="two rules S-X-01"):
        rules_in(path)
    path.write_text(GOOD + record.replace("code: S-X-01,", "code: S-X-01, aspect: other,"))
    assert [rule.id for rule in rules_in(path)] == ["S-X-01", "S-X-01 other"]
