"""From a store that speaks S3 (moto's server), by a real client."""

import pytest

from pickup import s3
from pickup.store import RemoteFile
from pickup.trouble import REFUSED, Trouble
from tests.pickup.conftest import House, ObjectStore, free_port, said

BODY = b"Student ID,Sex\r\n600001,F\r\n"


@pytest.fixture
def keyed(house: House) -> House:
    house.secrets = {"SEND_PICKUP_EXPORTS_USER": "x", "SEND_PICKUP_EXPORTS_PASSWORD": "y"}
    return house


def test_new_objects_come_once(keyed: House, object_store: ObjectStore) -> None:
    object_store.put("send/students_20261116.csv", BODY, ChecksumAlgorithm="SHA256")
    object_store.put("send/archive/students_20261016.csv", BODY)  # of a folder in it
    object_store.put("send/notes.txt", BODY)
    assert keyed.pick_up(**object_store.entry()).taken == ["exports/students_20261116.csv"]
    assert keyed.held() == {"exports/students_20261116.csv": BODY}
    assert keyed.pick_up(**object_store.entry()).known == 1
    object_store.put("send/students_20261116.csv", BODY * 2)
    assert keyed.pick_up(**object_store.entry()).taken
    assert keyed.held() == {"exports/students_20261116.csv": BODY * 2}


def test_an_object_that_is_replaced_meanwhile_is_not_mixed(keyed: House, object_store: ObjectStore) -> None:
    object_store.put("send/plans_20261116.csv", BODY)
    source = keyed.source(**object_store.entry(files=["plans_*"]))
    with s3.opened(source) as store:
        seen = store.listing()
        object_store.put("send/plans_20261116.csv", BODY * 3)
        with pytest.raises(Trouble, match="replaced while it was fetched") as raised:
            list(store.read(next(each for each in seen if each.name.startswith("plans"))))
    assert raised.value.may_pass


def test_what_goes_wrong(keyed: House, object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no such bucket" in said(keyed.pick_up(**object_store.entry(bucket="another")))
    away = keyed.pick_up(**object_store.entry(endpoint=f"http://127.0.0.1:{free_port()}"))
    assert "broke the connection" in said(away) and away.status == 1
    assert "bucket" in said(keyed.pick_up(**object_store.entry(bucket="../x y")))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "of-somebody-else")
    keyed.secrets = {}
    nobody = keyed.pick_up(**object_store.entry())
    assert "Set SEND_PICKUP_EXPORTS_USER to the access key's ID" in said(nobody) and nobody.status == REFUSED


def test_a_key_with_dots_is_a_name_like_any(keyed: House, object_store: ObjectStore) -> None:
    """A key may be called anything."""
    object_store.put("send/..", BODY)
    object_store.put("send/..csv", BODY)
    came = keyed.pick_up(**object_store.entry(files=["..*"]))
    assert came.taken == [] and said(came).count("It was not fetched. Have it renamed there.") == 2
    assert keyed.held() == {}
    assert RemoteFile("..").name == ".."
