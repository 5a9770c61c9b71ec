"""YOLO, as Ultralytics lays it out: a text file beside each image, `data.yaml` above.

`images/train/<log>__<camera>__<number>.jpg`, `labels/train/….txt` with a line for each box: class
number from 0, centre x, centre y, width, height as shares of the image. `data.yaml` names the
classes. `side/<log>.json` has what a line cannot: its track, by image and line.
"""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from perception_label.arrays import Ints
from perception_label.export.camera_sets import CameraSet, camera_sets, n_not_written
from perception_label.export.labelled import Labelled, Plan, json_file

PART = "train"


def plan_logs(logs: Sequence[Labelled]) -> Plan:
    """Plan the set of all logs; `data.yaml` comes last."""
    by_log = [(labelled, *camera_sets(labelled, ("box",))) for labelled in logs]
    sets = [one for _, theirs, _ in by_log for one in theirs]
    names = sorted({str(name) for one in sets for name in set(one.labels.class_names.tolist())})
    files = {}
    for labelled, theirs, _ in by_log:
        files[f"side/{labelled.log_id}.json"] = json_file(
            {**labelled.facts("yolo"), "cameras": {one.camera: _side(one) for one in theirs}}
        )
        for one in theirs:
            for i, rows in enumerate(one.by_image()):
                stem = f"{one.name}__{i:06d}"
                if labelled.points is not False:
                    files[f"images/{PART}/{stem}{one.suffix}"] = one.picture(i)
                files[f"labels/{PART}/{stem}.txt"] = partial(_fill, one, rows, names)
    files["data.yaml"] = partial(_fill_names, names)
    n_left_out = sum(
        n_not_written(labelled, sum(len(one.labels) for one in theirs))
        for labelled, theirs, _ in by_log
    )
    return Plan(files, tuple(line for _, _, said in by_log for line in said), n_left_out)


def _side(one: CameraSet) -> dict[str, object]:
    labels = one.labels
    return {
        "timestamps_ns": one.timestamps_ns.tolist(),
        "lines": [labels.track_ids[rows].tolist() for rows in one.by_image()],
    }


def _fill(one: CameraSet, rows: Ints, names: Sequence[str], path: Path) -> None:
    size = np.array([one.width_px, one.height_px, one.width_px, one.height_px], dtype=np.float64)
    boxes = np.clip(one.labels.boxes_px[rows] / size, 0, 1)
    number = {name: k for k, name in enumerate(names)}
    lines = []
    for row, (x0, y0, x1, y1) in zip(rows.tolist(), boxes.tolist(), strict=True):
        kind = number[str(one.labels.class_names[row])]
        lines.append(
            f"{kind} {(x0 + x1) / 2:.7f} {(y0 + y1) / 2:.7f} {x1 - x0:.7f} {y1 - y0:.7f}\n"
        )
    path.write_text("".join(lines), encoding="utf-8")


def _fill_names(names: Sequence[str], path: Path) -> None:
    # JSON's texts are YAML's too.
    listed = "".join(f"  {k}: {json.dumps(name)}\n" for k, name in enumerate(names))
    # No `path`: Ultralytics takes a relative one from where it is started, else the file's folder.
    path.write_text(f"train: images/{PART}\nval: images/{PART}\nnames:\n{listed}", encoding="utf-8")
