"""The solver's report runs from end to end on a small log."""

import json

import pytest

from conftest import ROOT

NEIGHBOURS = ("bench_solve", "boreas_labels", "exact_tracks", "figure", "keyframes_needed")


@pytest.fixture
def bench_solve(monkeypatch):
    """The script; it imports its neighbours by name."""
    import sys

    monkeypatch.syspath_prepend(str(ROOT / "benchmarks" / "propagation"))
    import bench_solve

    yield bench_solve
    for name in NEIGHBOURS:
        sys.modules.pop(name, None)


def test_the_report_tells_shares_keyframes_and_reliability(
    bench_solve, town_workspace, tmp_path, capsys
):
    told, drawn = tmp_path / "out.json", tmp_path / "out.svg"
    parts = ("one", "needed", "reliability")
    source = str(town_workspace.path)
    bench_solve.main([source, "--only", *parts, "--json", str(told), "--figure", str(drawn)])
    found = json.loads(told.read_text())[0]
    assert found["has_points"]
    assert found["one"]["static, all, whole track"]["passing"] > 0.9
    needed = found["needed"]
    assert {row["all"]["boxes"] for row in needed.values()} == {found["boxes"]}
    ours, sensor = (needed[k]["all"]["keyframes"] for k in list(needed)[1:3])
    assert found["tracks"] <= ours < sensor
    assert all(0 <= b["measured"] <= 1 and b["boxes"] > 0 for b in found["reliability"])
    assert drawn.read_text().startswith("<svg")
    assert "boxes per keyframe | makima, world frame" in capsys.readouterr().out


def test_rivals_meet_their_keyframes_and_lines_are_straight(bench_solve, town_workspace):
    from exact_tracks import things
    from keyframes_needed import RIVALS, answer

    thing = max(things(town_workspace.log()), key=lambda t: len(t.at))
    keys = [0, len(thing.at) - 1]
    for method in RIVALS:
        iou, _ = answer(thing, method, keys)
        assert iou[keys] == pytest.approx(1.0)


def test_a_box_between_its_neighbours_is_no_knot(bench_solve, town_workspace):
    from dataclasses import replace

    import numpy as np
    from exact_tracks import things

    from perception_label import Cuboids

    thing = max(things(town_workspace.log()), key=lambda t: len(t.at))
    n = len(thing.at)
    way = np.zeros((n, 3))
    way[:, 0] = np.concatenate(
        [np.arange(n // 2) * 1.0, n // 2 - 1 + 3.0 * np.arange(1, n - n // 2 + 1)]
    )
    straight = replace(thing, world=Cuboids(way, thing.world.size_m, np.zeros(n)))
    assert np.flatnonzero(straight.knots()).tolist() == [0, n // 2 - 1, n - 1]
