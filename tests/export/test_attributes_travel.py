"""Attributes that people set here come back as edits elsewhere, by the formats that hold them."""

import pytest

import format_worlds as worlds
from perception_label.pipeline.export import export
from perception_label.pipeline.imported import import_labels


@pytest.mark.parametrize("format", ["openlabel"])
def test_attributes_become_edits_once(format, tmp_path):
    world = worlds.format_world(tmp_path)
    export(world.workspace, tmp_path / "out", format)
    argv = {"name": "back", "way": "edits"}
    report = import_labels(world.workspace, tmp_path / "out", **argv)
    assert all("attribute" not in line for line in report.left_out)
    state = world.workspace.edits(world.log).state()
    for track, said in worlds.ATTRIBUTES.items():
        assert state.tracks[f"back:{track}"].attributes == said
    name, value = worlds.SWEEP_ATTRIBUTE
    at = int(world.timestamps_ns[4])
    assert state.tracks["back:人 3"].sweep_attributes == {name: {at: value}}
    assert import_labels(world.workspace, tmp_path / "out", **argv).n_edits == 0


def test_values_the_ontology_has_no_place_for_are_counted(tmp_path):
    world = worlds.format_world(tmp_path)
    out = tmp_path / "out"
    export(world.workspace, out, "openlabel")
    file = out / "hill-1.openlabel.json"
    text = file.read_text(encoding="utf-8").replace('"name": "n_people"', '"name": "crowd"')
    other = tmp_path / "x.json"
    other.write_text(text, encoding="utf-8")
    report = import_labels(world.workspace, other, way="edits")
    assert any(line.startswith("1 values of attribute crowd: ") for line in report.left_out)
