import json
import sys
from types import SimpleNamespace

import pytest

from perception_label.cli import demo
from perception_label.simulate import demo as steps
from perception_label.simulate import settings


@pytest.fixture
def small(monkeypatch):
    """A town with little in it, and the truth in place of proposals."""

    def propose(workspace):
        workspace.log().write_machine("proposals", workspace.truth())

    scene = steps.SceneSettings
    monkeypatch.setitem(
        sys.modules, "perception_label.pipeline.propose", SimpleNamespace(propose=propose)
    )
    lidar = settings.LidarSettings(n_beams=32)
    few = {"vehicles": 4, "pedestrians": 6, "cyclists": 1, "lidar": lidar}
    monkeypatch.setattr(settings, "SceneSettings", lambda **given: scene(**{**few, **given}))


def test_demo_prints_its_figures(small, tmp_path, capsys):
    demo.run(out=tmp_path / "out", seconds=0.2, as_json=True)
    out, err = capsys.readouterr()
    result = json.loads(out)
    assert {"annotator_hours_per_sensor_hour", "boxes_per_keyframe"} <= result.keys()
    assert {"wall_s", "recall", "hota", "mota", "n_tracks", "n_boxes", "files"} <= result.keys()
    assert result["n_sweeps"] == 2
    assert result["recall"] == 1
    assert "propose ..." in err
    assert (tmp_path / "out" / "demo.png").is_file()
