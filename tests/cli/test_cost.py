import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from perception_label import open_workspace
from perception_label.cli import main
from recordings import recording


@pytest.fixture
def labelled(tmp_path):
    ws = open_workspace(tmp_path / "ws")
    told = recording()
    # Nothing stands in the truth's box, so that its points are said, not counted.
    truth = replace(told.truth, n_points=np.full(len(told.truth), 50))
    ws.ingest(replace(told, truth=truth))
    ws.log().write_machine("proposals", ws.truth())
    return str(tmp_path / "ws")


def test_cost_prints_one_json_object(labelled, capsys):
    assert main(["cost", labelled, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert {"by_hand", "sensor_linear", "world_linear", "ours"} == result["strategies"].keys()
    for way in result["strategies"].values():
        assert way["hours_per_sensor_hour"].keys() == {"low", "nominal", "high"}
        assert {"recall", "precision", "mean_iou", "passing"} <= way["quality"].keys()
        assert sum(way["counts"].values()) > 0


def test_cost_prints_tables_and_draws_for_people(labelled, tmp_path, capsys):
    figure = tmp_path / "cost.svg"
    assert main(["cost", labelled, "--exact", "--figure", str(figure)]) == 0
    out = capsys.readouterr().out
    assert "seconds per track" in out
    assert "create_box_manual" in out
    assert max(map(len, out.splitlines())) <= 120
    assert ElementTree.parse(figure).getroot().tag.endswith("svg")


def test_cost_with_a_missing_table_of_seconds_is_one_line(labelled, tmp_path, capsys):
    assert main(["cost", labelled, "--seconds", str(tmp_path / "none.toml")]) == 1
    assert "none.toml: expected a table of action seconds" in capsys.readouterr().err


def test_cost_leaves_the_workspace_as_it_was(labelled, capsys):
    before = sorted(str(p) for p in Path(labelled).rglob("*"))
    assert main(["cost", labelled]) == 0
    capsys.readouterr()
    assert sorted(str(p) for p in Path(labelled).rglob("*")) == before


def test_cost_without_proposals_says_what_to_run(tmp_path, capsys):
    open_workspace(tmp_path / "ws").ingest(recording())
    assert main(["cost", str(tmp_path / "ws")]) == 1
    assert "perception-label propose" in capsys.readouterr().err
