"""How good cuboids from boxes in pictures are, the boxes being those of the true cuboids.

    python benchmarks/pipeline/report_frustum.py WORKSPACE [--every 6] [--exact]

Of each camera every sixth picture; objects within 60 m of which half is visible, at least 24 pixels
high and with 10 LiDAR points. Right is a BEV IoU of 0.5 (0.3 for people and bicycles).
"""

import argparse
import time
from pathlib import Path

import numpy as np

from perception_label.errors import EditError
from perception_label.geometry.inside import points_inside
from perception_label.geometry.overlap import overlap_3d, overlap_bev
from perception_label.pipeline.frustum import cuboid_from_box, sweep_of
from perception_label.pipeline.project import project_tracks
from perception_label.pipeline.workspace import open_workspace

SMALL = ("pedestrian", "cyclist", "bicycle", "motorcycle")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--every", type=int, default=6)
    parser.add_argument("--exact", action="store_true", help="truth holds at sweeps' timestamps")
    args = parser.parse_args()
    log = open_workspace(args.workspace).log()
    truth, rows, took = log.truth(), [], []
    for camera in log.cameras:
        images = np.arange(2, len(log.images[camera].timestamps_ns) - 2, args.every)
        seen = project_tracks(
            log, camera, truth, images=images, min_visible=0.5, is_exact=args.exact
        )
        high = seen.boxes_px[:, 3] - seen.boxes_px[:, 1]
        seen = seen[(high >= 24) & (seen.range_m < 60)]
        for k in range(len(seen)):
            sweep, _ = sweep_of(log, camera, int(seen.images[k]))
            box = truth[
                (truth.tracks == seen.tracks[k]) & (truth.timestamps_ns == log.timestamps_ns[sweep])
            ]
            if (
                len(box) != 1
                or points_inside(log.sweep(sweep).world_points_m(), box.cuboids)[0] < 10
            ):
                continue
            begin = time.perf_counter()
            try:
                found = cuboid_from_box(log, camera, int(seen.images[k]), seen.boxes_px[k])
                bev = overlap_bev(found.cuboid, box.cuboids)[0, 0]
                whole = overlap_3d(found.cuboid, box.cuboids)[0, 0]
                same = (found.class_name in SMALL) == (seen.class_names[k] in SMALL)
            except EditError:
                bev, whole, same = 0.0, 0.0, False
            took.append(time.perf_counter() - begin)
            rows.append((seen.class_names[k] in SMALL, bev, whole, same))
    for small, name in ((False, "vehicles"), (True, "people, cycles")):
        mine = np.array([r[1:] for r in rows if r[0] == small]).reshape(-1, 3)
        if not len(mine):
            continue
        gate = 0.3 if small else 0.5
        print(
            f"{name}: {len(mine)} boxes, right {np.mean(mine[:, 0] >= gate):.2f}, BEV IoU "
            f"{mine[:, 0].mean():.2f}, 3-D IoU {mine[:, 1].mean():.2f}, kind right "
            f"{mine[:, 2].mean():.2f}"
        )
    print(f"{1e3 * np.median(took):.0f} ms a box (median)")


if __name__ == "__main__":
    main()
