import json

import pytest

from perception_label import open_workspace
from perception_label.cli import main
from recordings import recording


@pytest.fixture
def scored(tmp_path):
    ws = open_workspace(tmp_path / "ws")
    ws.ingest(recording())
    ws.log().write_machine("proposals", ws.truth())
    return str(tmp_path / "ws")


def test_score_prints_one_json_object(scored, capsys):
    assert main(["score", scored, "--min-points", "0", "--json"]) == 0
    out, err = capsys.readouterr()
    result = json.loads(out)
    assert err == ""
    keys = {"recall", "precision", "mean_iou", "ap", "hota", "mota", "identity_switches"}
    assert keys <= result.keys()
    assert result["recall"] == 1


def test_score_prints_tables_for_people(scored, capsys):
    assert main(["score", scored, "--min-points", "0"]) == 0
    out = capsys.readouterr().out
    assert "vehicle iou_bev@0.5" in out
    assert "HOTA" in out
    assert max(map(len, out.splitlines())) <= 100


def test_score_without_boxes_says_what_to_run(tmp_path, capsys):
    open_workspace(tmp_path / "ws").ingest(recording())
    assert main(["score", str(tmp_path / "ws")]) == 1
    assert "perception-label propose" in capsys.readouterr().err
