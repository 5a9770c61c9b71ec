"""`perception-label queue` as a user meets it."""

import json

from perception_label.cli import main
from perception_label.quality.queue import KINDS


def test_it_prints_the_queue_for_people_and_for_programs(town_workspace, capfd):
    assert main(["queue", str(town_workspace.path), "--limit", "3", "--images"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) == 5
    assert lines[-1].startswith("… and ")
    assert main(["queue", str(town_workspace.path), "--json", "--limit", "3", "--images"]) == 0
    out, err = capfd.readouterr()
    result = json.loads(out)
    assert err == ""
    assert [item["rank"] for item in result["items"]] == [0, 1, 2]
    assert sum(result["n_by_kind"].values()) == result["n_items"]
    assert sum(s["n_total"] for s in result["strata"]) == result["n_by_kind"]["track"]
    assert set(result["n_by_kind"]) == set(KINDS)


def test_one_kind_only(town_workspace, capfd):
    assert main(["queue", str(town_workspace.path), "--kind", "missing", "--json"]) == 0
    result = json.loads(capfd.readouterr().out)
    assert {item["kind"] for item in result["items"]} == {"missing"}
    assert len(result["items"]) == result["n_by_kind"]["missing"]


def test_an_unknown_kind_is_one_line(town_workspace, capfd):
    assert main(["queue", str(town_workspace.path), "--kind", "boxes"]) == 1
    assert "expected one of track, span" in capfd.readouterr().err
