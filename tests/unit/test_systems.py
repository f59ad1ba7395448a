"""What a council calls its systems: said once, in every text of ours, and in nothing that came in an export."""

import re
from pathlib import Path

import pytest

from expectations import lists
from extract import contract
from operations import settle
from send_ready import layout, systems
from send_ready import settings as setting
from send_ready.settings import PROJECT, Settings
from send_ready.systems import Names

OTHERS = Names({"capita_one": "Synergy", "ehc_hub": "Liquidlogic EHM", "social_care": "Mosaic"})


def settings(folder: Path, text: str) -> Settings:
    (folder / systems.FILE).write_text(text, encoding="utf-8")
    return setting.load({"SEND_HOME": str(folder / "home"), "SEND_CONFIG": str(folder)})


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("Compare the case in the hub with Capita One (the list shows Capita One's).",
         "Compare the case in Liquidlogic EHM with Synergy (the list shows Synergy's)."),
        ("The EHC Hub holds a plan.", "Liquidlogic EHM holds a plan."),
        ("EHC Hub cases", "Liquidlogic EHM cases"),
        ("It is known only to the hub.", "It is known only to Liquidlogic EHM."),
        ("Capita One’s record counts, the hub’s fills it", "Synergy’s record counts, Liquidlogic EHM’s fills it"),
        ("In the social care system, allocate it.", "In Mosaic, allocate it."),
        ("capita_one.students, ehc_hub.cases, hub.reviews[met], HUB-1, Family Hub, Social care team, github", None),
    ],
)  # fmt: skip
def test_every_way_in_which_we_name_a_system(ours: str, theirs: str | None) -> None:
    assert OTHERS.said(ours) == (theirs or ours)
    assert Names({}).said(ours) == ours


def test_no_text_of_ours_keeps_our_name() -> None:
    """Also where a line ends within a name, as in a description that the catalogue shows."""
    looked_at = 0
    for folder in ("extract/contracts", "expectations", "dbt_project/models", "dbt_project/seeds"):
        for path in (PROJECT / folder).rglob("*.*"):
            if path.suffix in (".yml", ".md", ".csv"):
                text = " ".join(path.read_text("utf-8").split())
                looked_at += "Capita One" in text
                assert not re.search(r"Capita One|EHC Hub|\b[Tt]he hub\b|social care system", OTHERS.said(text)), path
    assert looked_at > 30


def test_contracts_and_rules_say_it(tmp_path: Path) -> None:
    given = settings(tmp_path, "system,name\ncapita_one,Synergy\nehc_hub,Liquidlogic EHM\nsocial_care,Mosaic\n")
    found = {each.id: each for each in contract.load_all(given)}
    assert found["capita_one.students"].owner == "Synergy team"
    assert found["ehc_hub.cases"].title == "Liquidlogic EHM cases"
    rules = [rule for listed in layout.lists() for rule in lists.rules_of(listed, given)]
    assert any("Synergy and Liquidlogic EHM disagree" in rule.message for rule in rules)
    texts = " ".join(f"{rule.message} {rule.fix} {rule.owner}" for rule in rules)
    assert "Capita One" not in texts and " hub" not in texts


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("system,name\ncapita,Synergy\n", "line 2: system is capita, and must be one of: capita_one, ehc_hub"),
        ("system,name\ncapita_one,\n", "line 2: the name of capita_one begins with a letter"),
        ("system,name\ncapita_one,<b>Synergy</b>\n", "begins with a letter"),
        ("system,name\ncapita_one,Syn\\1ergy\n", "begins with a letter"),
        ("system,name\ncapita_one,O'Synergy\n", "begins with a letter"),
        ("system,name\ncapita_one,Synergy\ncapita_one,Mosaic\n", "line 3: capita_one has two names"),
        ("system;name\ncapita_one;Synergy\n", "save it with commas"),
    ],
)
def test_a_name_that_cannot_be_used_sets_the_file_aside(tmp_path: Path, text: str, words: str) -> None:
    with settle.trial(settings(tmp_path, text)) as (in_force, settled):
        (held,) = settled.set_aside
        assert words in str(held.reason)
        assert systems.names(in_force.config) == Names({})


def test_the_shipped_name_is_no_other(tmp_path: Path) -> None:
    given = settings(tmp_path, "system,name\ncapita_one,Capita One\nehc_hub,Mosaic\n")
    assert dict(systems.names(given.config).given) == {"ehc_hub": "Mosaic"}
    assert systems.names(given.config).of("capita_one") == "Capita One"
