"""A folder for other programs: all of an export or nothing, and never two in one."""

import errno
import json

import pytest

from perception_label.errors import WorkspaceError
from perception_label.storage.target import MANIFEST, STAGE, read_manifest, sha256, write_folder


def text(said):
    return lambda path: path.write_text(said)


def facts(*logs, format="csv", is_dataset=False):
    return {
        "format": format,
        "is_dataset": is_dataset,
        "logs": {log: {} if is_dataset else {"files": [f"{log}.csv"]} for log in logs},
    }


def content(out):
    return {p.relative_to(out).as_posix(): p.read_text() for p in out.rglob("*") if p.is_file()}


def test_the_manifest_lists_every_file_with_its_hash(tmp_path):
    files = {"a.csv": text("1"), "deep/er/b.csv": text("22")}
    written = write_folder(tmp_path / "out", files, facts("a"))
    assert [p.name for p in written] == ["a.csv", "b.csv", MANIFEST]
    found = read_manifest(tmp_path / "out")
    assert found["files"]["deep/er/b.csv"] == {
        "sha256": sha256(tmp_path / "out/deep/er/b.csv"),
        "bytes": 2,
    }
    assert set(content(tmp_path / "out")) == {"a.csv", "deep/er/b.csv", MANIFEST}


def test_another_export_is_refused_and_stays(tmp_path):
    write_folder(tmp_path, {"a.csv": text("1")}, facts("a"))
    before = content(tmp_path)
    with pytest.raises(WorkspaceError, match=r"holds an export of csv: name another --out"):
        write_folder(tmp_path, {"a.json": text("2")}, facts("a", format="coco"))
    assert content(tmp_path) == before


def test_files_of_other_origin_are_refused_and_stay(tmp_path):
    (tmp_path / "thesis.tex").write_text("years")
    with pytest.raises(WorkspaceError, match=r"got other files: thesis\.tex"):
        write_folder(tmp_path, {"a.csv": text("1")}, facts("a"))
    assert content(tmp_path) == {"thesis.tex": "years"}


def test_logs_share_a_folder_where_each_has_files_of_its_own(tmp_path):
    write_folder(tmp_path, {"a.csv": text("1")}, facts("a"))
    write_folder(tmp_path, {"b.csv": text("2")}, facts("b"))
    assert set(content(tmp_path)) == {"a.csv", "b.csv", MANIFEST}
    found = read_manifest(tmp_path)
    assert set(found["logs"]) == {"a", "b"}
    assert set(found["files"]) == {"a.csv", "b.csv"}


def test_a_set_of_other_logs_is_refused(tmp_path):
    write_folder(tmp_path, {"all.json": text("1")}, facts("a", "b", is_dataset=True))
    with pytest.raises(WorkspaceError, match="expected an export of the same logs, got one of b"):
        write_folder(tmp_path, {"all.json": text("2")}, facts("a", is_dataset=True))


def test_what_an_export_no_longer_writes_goes(tmp_path):
    write_folder(tmp_path, {"1.txt": text("1"), "2.txt": text("2")}, facts("a", is_dataset=True))
    write_folder(tmp_path, {"1.txt": text("0")}, facts("a", is_dataset=True))
    assert {k: v for k, v in content(tmp_path).items() if k != MANIFEST} == {"1.txt": "0"}


@pytest.mark.parametrize("is_new", [True, False])
def test_a_full_disk_leaves_what_was_there(tmp_path, is_new):
    out = tmp_path / "new" / "out"
    if not is_new:
        write_folder(out, {"a.csv": text("1")}, facts("a"))
        before = content(out)

    def full(_path):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(WorkspaceError, match="the disk is full"):
        write_folder(out, {"a.csv": text("2"), "b.csv": full}, facts("a"))
    if is_new:
        assert list(tmp_path.iterdir()) == []
    else:
        assert content(out) == before


def test_a_move_that_was_cut_short_is_made_good_by_the_next_export(tmp_path):
    write_folder(tmp_path, {"1.txt": text("old"), "2.txt": text("old")}, facts("a"))
    # As a kill between the renames leaves it: new file in place, the rest aside.
    (tmp_path / STAGE).mkdir()
    (tmp_path / "3.txt").write_text("new")
    (tmp_path / STAGE / MANIFEST).write_text(
        json.dumps({**facts("a"), "files": {"3.txt": {}, "2.txt": {}}})
    )
    write_folder(tmp_path, {"2.txt": text("newer")}, facts("a"))
    assert {k: v for k, v in content(tmp_path).items() if k != MANIFEST} == {"2.txt": "newer"}
