"""Bags on the command line: the guess is shown, and may be said otherwise."""

import json

import pytest

from perception_label.cli import main
from readers import bag_files, layouts


@pytest.fixture(scope="module")
def bag(tmp_path_factory):
    return bag_files.write("ros1", tmp_path_factory.mktemp("a bag"), layouts.drive())


def test_the_guess_is_printed_and_may_be_said_in_a_file_or_by_options(bag, tmp_path, capsys):
    workspace = str(tmp_path / "ws")
    assert main(["ingest", str(bag), workspace]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "topic lidar=/lidar/points" in lines
    assert "topic camera.left=/left/image_raw" in lines
    said = tmp_path / "topics.yaml"
    said.write_text("camera.left: none\ncamera.front: none\n")
    argv = ["ingest", str(bag), workspace, "--replace", "--json", "--topics", str(said)]
    argv += ["--topic", "camera.port=/left/image_raw", "--topic", "camera.front=none"]
    # Other topics of the same file are the same log: it has to be replaced.
    assert main(argv) == 0
    report = json.loads(capsys.readouterr().out)
    assert [key for key in report["topics"] if key.startswith("camera")] == ["camera.port"]
    assert report["n_sweeps"] == 4
    assert main(["doctor", workspace, "--json"]) == 0
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert not [f for f in findings if f["severity"] == "error"]


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("lidar", "expected KEY=TOPIC with KEY of lidar, camera.NAME, poses, ego, world"),
        ("lidar=/nothing", "expected lidar of the topics /lidar/points, got '/nothing'"),
    ],
)
def test_a_topic_that_is_none_is_one_line(option, told, bag, tmp_path, capsys):
    assert main(["ingest", str(bag), str(tmp_path / "ws"), "--topic", option]) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert told in line


def test_a_file_of_topics_that_is_none_is_refused(bag, tmp_path, capsys):
    said = tmp_path / "topics.yaml"
    said.write_text("lidar: [1, 2]\n")
    assert main(["ingest", str(bag), str(tmp_path / "ws"), "--topics", str(said)]) == 1
    assert "expected a line KEY: TOPIC for each of lidar" in capsys.readouterr().err
