"""Files of a workspace that something else cut, emptied or overwrote: one line, no trace."""

import shutil

import pytest

from perception_label.cli import main

DAMAGE = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "empty": lambda path: path.write_bytes(b""),
    "of another kind": lambda path: path.write_bytes(b"\xff\xfe something else " * 50),
    "gone": lambda path: path.unlink(),
}
# By file: a verb that reads it.
READ_BY = {
    "workspace.toml": "doctor",
    "logs/LOG/log.json": "doctor",
    "logs/LOG/ego_poses.arrow": "propose",
    "logs/LOG/truth.arrow": "score",
    "logs/LOG/sweeps/lidar.arrow": "doctor",
    "logs/LOG/sweeps/lidar.index.arrow": "doctor",
    "machine/LOG/proposals.arrow": "export",
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("file", READ_BY)
def test_a_damaged_file_is_one_line_that_names_the_place(
    file, damage, town_workspace, tmp_path, capfd
):
    ws = tmp_path / "ws"
    shutil.copytree(town_workspace.path, ws)
    path = ws / file.replace("LOG", town_workspace.log().id)
    DAMAGE[damage](path)
    verb = READ_BY[file]
    argv = [verb, str(ws)]
    if verb == "export":
        argv += ["--format", "csv", "--out", str(tmp_path / "out")]
    assert main(argv) == 1
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "expected" in err
    if damage != "gone":
        assert str(path) in err
    assert not (tmp_path / "out").exists()
