"""Which seeded faults of cameras the doctor finds and names, and what it says of good logs.

    python benchmarks/quality/report_cameras.py WORKSPACE …

Each workspace holds one log with ego poses and images that are taken to be right. Faults are seeded
into one camera at a time: the picture 5 pixels off, the camera turned by a degree, its clock 0.1 s
late or early; and into two: swapped.
"""

import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from perception_label.pipeline.camera_calibration import Looks
from perception_label.pipeline.workspace import open_workspace
from perception_label.quality.camera_checks import CameraViews, check_calibrations

DEGREE = np.radians(1.0)
FAULTS = (
    [("shift", np.array(v) * 5.0) for v in ((1, 0), (-1, 0), (0, 1), (0, -1))]
    + [("rotation", s * DEGREE * axis) for axis in np.eye(3) for s in (1, -1)]
    + [("late", np.array([s])) for s in (0.1, -0.1)]
)


def seeded(view, kind, value, scale):
    if kind == "shift":
        matrix = np.array(view.camera.intrinsics)
        matrix[:2, 2] += value * scale
        rows = tuple(tuple(row) for row in matrix.tolist())
        return replace(view, camera=replace(view.camera, intrinsics=rows))
    if kind == "rotation":
        turn = Rotation.from_rotvec(value).as_matrix().T
        return replace(view, points_m=view.points_m @ turn, velocity_mps=view.velocity_mps @ turn)
    return replace(view, points_m=view.points_m + value[0] * view.velocity_mps)


def said(findings):
    if not findings:
        return "nothing"
    keys = ("right_px", "down_px", "right_rad", "down_rad", "ahead_rad", "late_s", "moved_px")
    numbers = {k: round(v, 4) for k, v in findings[0].evidence.items() if k in keys}
    return f"{findings[0].kind.removeprefix('camera_')} {numbers}"


def report(path, tally):
    log = open_workspace(path).log()
    begin = time.perf_counter()
    look = Looks(log)
    cameras = {}
    for name in log.cameras:
        scale = look.views(name, name)[0].camera.width_px / log.cameras[name].width_px
        cameras[name] = CameraViews(tuple(look.views(name, name)), scale)
    found = check_calibrations(cameras, look.views)
    took = time.perf_counter() - begin
    print(f"{log.id}: {len(cameras)} cameras, {took:.1f} s; as it is: {said(found)}")
    tally["good logs"] += 1
    tally["good logs with findings"] += bool(found)
    for name, camera in cameras.items():
        for kind, value in FAULTS:
            views = tuple(seeded(v, kind, value, camera.scale) for v in camera.views)
            found = check_calibrations({name: replace(camera, views=views)}, look.views)
            named = bool(found) and found[0].kind == f"camera_{kind}"
            tally[kind] += 1
            tally[f"{kind} found"] += bool(found)
            tally[f"{kind} named"] += named
            print(f"  {name} {kind} {np.round(value, 4).tolist()}: {said(found)}", flush=True)
    names = list(cameras)
    for k, a in enumerate(names):
        for b in names[k + 1 :]:
            other = {a: b, b: a}
            swapped = {
                n: replace(c, views=tuple(look.views(other[n], n)))
                for n, c in cameras.items()
                if n in other
            }
            found = check_calibrations(swapped, lambda p, q, other=other: look.views(other[p], q))
            tally["swapped"] += 1
            tally["swapped found"] += bool(found)
            tally["swapped named"] += bool(found) and found[0].kind == "camera_swapped"
            print(f"  {a} and {b} swapped: {said(found)} ")


def main():
    tally = Counter()
    for path in sys.argv[1:]:
        report(Path(path), tally)
    print("\n".join(f"{name}: {n}" for name, n in tally.items()))


if __name__ == "__main__":
    main()
