import numpy as np
from PIL import Image

from perception_label.simulate.demo import run_demo
from perception_label.simulate.settings import LidarSettings, SceneSettings

SMALL = SceneSettings(
    duration_s=0.2, vehicles=4, pedestrians=6, cyclists=1, lidar=LidarSettings(n_beams=32)
)


def test_the_demo_labels_scores_exports_and_draws(tmp_path):
    steps = []

    def propose(workspace):
        # The perfect machine.
        workspace.log().write_machine("proposals", workspace.truth())

    for _ in range(2):
        steps.clear()
        demo = run_demo(tmp_path, propose, settings=SMALL, on_step=steps.append)
    assert steps == list(demo.seconds)
    assert steps == ["simulate", "ingest", "propose", "score", "annotate", "export", "draw"]
    assert demo.n_sweeps == 2
    assert demo.score.as_dict()["recall"] == 1
    assert all(path.is_file() for path in demo.files)
    with Image.open(tmp_path / "demo.png") as picture:
        assert np.asarray(picture).std() > 5
