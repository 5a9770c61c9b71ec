import json

import pyarrow.parquet as pq
import pytest

from perception_label import open_workspace
from perception_label.cli import main
from perception_label.export import FORMATS
from recordings import recording


@pytest.fixture
def workspace(tmp_path):
    ws = open_workspace(tmp_path / "ws")
    ws.ingest(recording())
    ws.log().write_machine("proposals", ws.truth().slice(0, 4))
    return tmp_path / "ws"


def run(capsys, *argv):
    code = main([str(a) for a in argv])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize("format", FORMATS)
def test_export_prints_what_it_wrote(workspace, tmp_path, format, capsys):
    out = tmp_path / "out"
    code, text, err = run(capsys, "export", workspace, "--format", format, "--out", out, "--json")
    result = json.loads(text)
    assert (code, err) == (0, "")
    # A log without cameras has nothing for formats of images, which say so.
    nothing = (0, ["log yard: 4 boxes: it has no images to have them on"])
    assert (result["n_boxes"], result["left_out"]) in ((4, []), nothing)
    assert result["n_tracks"] == 1
    written = sorted(str(p) for p in out.rglob("*") if p.is_file())
    assert sorted(result["files"]) == written


def test_truth_can_be_exported(workspace, tmp_path, capsys):
    argv = [
        "export",
        workspace,
        "--format",
        "parquet",
        "--out",
        tmp_path / "out",
        "--source",
        "truth",
    ]
    assert run(capsys, *argv)[0] == 0
    assert pq.read_metadata(tmp_path / "out" / "yard.parquet").num_rows == 6


def test_an_unknown_format_is_one_line_and_leaves_nothing(workspace, tmp_path, capsys):
    argv = ["export", workspace, "--format", "xml", "--out", tmp_path / "out"]
    code, _, err = run(capsys, *argv)
    assert code == 1
    assert len(err.splitlines()) == 1
    assert "kitti-tracking" in err
    assert not (tmp_path / "out").exists()


def test_a_log_without_boxes_leaves_nothing_of_the_others(workspace, tmp_path, capsys):
    open_workspace(workspace).ingest(recording(log_id="yard-2"))
    argv = ["export", workspace, "--format", "csv", "--out", tmp_path / "out"]
    code, _, err = run(capsys, *argv)
    assert code == 1
    assert "yard-2: expected dense boxes" in err
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_is_one_line(workspace, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    code, _, err = run(capsys, "export", workspace, "--format", "csv", "--out", tmp_path / "file")
    assert code == 1
    assert len(err.splitlines()) == 1
