"""Draw the README's picture: a simulated street with the cuboids that `propose` found in it."""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from perception_label.geometry.poses import inverse
from perception_label.pipeline.propose import propose
from perception_label.pipeline.workspace import open_workspace
from perception_label.simulate.log import simulate_log
from perception_label.simulate.picture import View, draw
from perception_label.simulate.settings import LidarSettings, SceneSettings
from perception_label.tables import labels_from_table

HERE = Path(__file__).parent
N_COLOURS = 160  # a palette keeps the file small


def main() -> None:
    """Simulate, propose, draw one sweep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--sweep", type=int, default=30)
    parser.add_argument("--out", type=Path, default=HERE / "proposals.png")
    args = parser.parse_args()
    lidar = LidarSettings(n_beams=128)
    scene = SceneSettings(seed=args.seed, duration_s=args.seconds, lidar=lidar)
    with TemporaryDirectory() as folder:
        workspace = open_workspace(Path(folder) / "workspace", create=True)
        workspace.ingest(simulate_log(scene, count_points=False))
        propose(workspace)
        log = workspace.log()
        sweep = log.sweep(args.sweep)
        found = labels_from_table(log.dense_boxes())
        here = found[found.timestamps_ns == sweep.timestamp_ns]
        boxes = here.cuboids.moved(inverse(np.asarray(sweep.world_from_sensor)))
        names = [here.class_names[k] for k in here.classes]
        view = View(width_px=1280, height_px=640)
        picture = draw(sweep.points_m, boxes, names, view=view, intensity=sweep.intensity)
    picture.quantize(N_COLOURS).save(args.out, format="PNG", optimize=True)
    print(f"{args.out}: {args.out.stat().st_size / 1000:.0f} kB, {len(boxes)} cuboids")


if __name__ == "__main__":
    main()
