"""Folders replaced as one, also when the replacing is cut off."""

from pathlib import Path

import pytest

from send_ready.folders import point, replaced


def fill(target: Path, text: str) -> None:
    with replaced(target) as folder:
        (folder / "file").write_text(text)


def test_a_new_folder_takes_the_place_of_the_old(tmp_path: Path) -> None:
    target = tmp_path / "pack"
    fill(target, "one")
    (target / "left over").write_text("")
    fill(target, "two")
    assert {path.name: path.read_text() for path in target.iterdir()} == {"file": "two"}
    assert list(tmp_path.iterdir()) == [target]


def test_a_failure_leaves_the_old_folder(tmp_path: Path) -> None:
    target = tmp_path / "pack"
    fill(target, "one")
    with pytest.raises(RuntimeError, match="cut off"), replaced(target) as folder:
        (folder / "file").write_text("half")
        raise RuntimeError("cut off")
    assert (target / "file").read_text() == "one"


@pytest.mark.parametrize("cut_off_after", [1, 2])
def test_a_replacement_cut_off_between_its_moves_is_put_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut_off_after: int
) -> None:
    target = tmp_path / "pack"
    fill(target, "one")
    moves, replace = [], Path.replace

    def replace_until(path: Path, goal: Path) -> Path:
        if len(moves) == cut_off_after:
            raise KeyboardInterrupt
        moves.append(path)
        return replace(path, goal)

    with monkeypatch.context() as patch:
        patch.setattr("send_ready.files.exchange", lambda *_: False)  # as on a network drive
        patch.setattr(Path, "replace", replace_until)
        patch.setattr("send_ready.folders.confined.remove_tree", lambda _: None)
        try:
            fill(target, "two")
        except KeyboardInterrupt:
            assert cut_off_after == 1
    with pytest.raises(RuntimeError), replaced(target):
        raise RuntimeError
    assert (target / "file").read_text() == ("one" if cut_off_after == 1 else "two")


def test_there_is_never_neither(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "pack"
    fill(target, "one")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", lambda *_: pytest.fail("the folder was moved away"))
        fill(target, "two")
    assert (target / "file").read_text() == "two"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_in_the_place_of_the_link_is_kept_beside_it(tmp_path: Path) -> None:
    for name in ("a", "latest", "latest.copy"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    point(tmp_path / "latest", tmp_path / "a")
    assert (tmp_path / "latest" / "file").read_text() == "a"
    assert (tmp_path / "latest.copy" / "file").read_text() == "latest"


def test_a_link_turns_and_is_relative(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    point(tmp_path / "latest", tmp_path / "a")
    point(tmp_path / "latest", tmp_path / "b")
    assert (tmp_path / "latest").readlink() == Path("b")
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b", "latest"}
