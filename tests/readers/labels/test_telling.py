"""What `import` is given tells its own format, wherever a format can be told."""

import pytest

import format_worlds as worlds
from fuzz.targets import TARGETS
from perception_label.errors import SourceError
from perception_label.export import FORMATS as WRITTEN
from perception_label.pipeline.export import export
from perception_label.pipeline.imported import import_labels
from perception_label.readers.labels import FORMATS, format_of

# One file of each is like those of another, or like anything: they have to be named.
UNTOLD = {"sustech", "xtreme1", "waymo", "supervisely", "mot", "nuscenes"}


@pytest.mark.parametrize("format", sorted(FORMATS.keys() - UNTOLD))
def test_a_source_tells_its_format(format, tmp_path):
    name = f"labels_{format.replace('-', '_')}"
    assert format_of(TARGETS[name].build(tmp_path)) == format


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return worlds.format_world(tmp_path_factory.mktemp("told"), ("hill-1", "hill-2"))


@pytest.mark.parametrize("format", sorted(FORMATS.keys() & WRITTEN.keys()))
def test_a_folder_that_we_wrote_is_imported_as_it_is(format, world, tmp_path):
    export(world.workspace, tmp_path / "out", format)
    report = import_labels(world.workspace, tmp_path / "out", "hill-1", name=format)
    assert report.n_boxes + report.n_image_labels > 0
    assert report.warnings == ()


@pytest.mark.parametrize("name", ["a.json", "a.xml", "a.xyz", "nothing"])
def test_what_nobody_can_tell_has_to_be_named(name, tmp_path):
    (tmp_path / name).write_text("[]")
    with pytest.raises(SourceError, match="a format of parquet"):
        format_of(tmp_path / name)
    assert format_of(tmp_path / name, "coco") == "coco"
