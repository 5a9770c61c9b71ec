"""MOTChallenge: a sequence of each camera of each log.

`<log>__<camera>/gt/gt.txt` (number of the image, track, x, y, width, height, 1, class, 1), images
and pixels from 1; `seqinfo.ini`; `det/` is not written. `side/<log>.json` has the track and class
of each number and the images where a person set it, and each image's time. Pictures are written
with `--points`, as `img1/000001.jpg`.

The seventh column is 1 for all: evaluators take anything below for a box to be ignored.
"""

from functools import partial
from pathlib import Path

import numpy as np

from perception_label.export.camera_sets import CameraSet, camera_sets, n_not_written
from perception_label.export.image_labels import LabelledVideo, mot_numbers, write_image_labels
from perception_label.export.labelled import Labelled, Plan, json_file
from perception_label.geometry.image_labels import ImageLabels


def plan(labelled: Labelled) -> Plan:
    """Plan the sequences of a log."""
    sets, left_out = camera_sets(labelled, ("box",))
    files = {}
    for one in sets:
        root = one.name
        if labelled.points:
            for i in range(len(one.timestamps_ns)):
                files[f"{root}/img1/{i + 1:06d}{one.suffix}"] = one.picture(i)
        files[f"{root}/seqinfo.ini"] = partial(_fill_facts, one)
    side = {**labelled.facts("mot"), "cameras": {one.camera: _side(one) for one in sets}}
    files[f"side/{labelled.log_id}.json"] = json_file(side)
    for one in sets:
        files[f"{one.name}/gt/gt.txt"] = partial(_fill, one)
    n_written = sum(len(one.labels) for one in sets)
    return Plan(files, tuple(left_out), n_not_written(labelled, n_written))


def _side(one: CameraSet) -> dict[str, object]:
    names = one.labels.track_ids.astype(str)
    classes = dict(zip(names.tolist(), one.labels.class_names.tolist(), strict=True))
    keys: dict[str, list[int]] = {}
    for row in np.flatnonzero(one.labels.is_key).tolist():
        keys.setdefault(names[row], []).append(int(one.labels.images[row]) + 1)
    return {
        "timestamps_ns": one.timestamps_ns.tolist(),
        "tracks": [
            {
                "number": int(k),
                "track_id": name,
                "class_name": str(classes[name]),
                "keyframes": keys.get(name, []),
            }
            for name, k in mot_numbers(names).items()
        ],
    }


def _fill(one: CameraSet, path: Path) -> None:
    columns = {name: getattr(one.labels, name) for name in ImageLabels.__slots__}
    labels = ImageLabels(**{**columns, "is_key": np.ones(len(one.labels), dtype=np.bool_)})
    video = LabelledVideo(one.name, labels, one.width_px, one.height_px, one.timestamps_ns)
    write_image_labels(path, video, "mot")


def _fill_facts(one: CameraSet, path: Path) -> None:
    steps = np.diff(one.timestamps_ns)
    rate_hz = 1e9 / float(np.median(steps)) if len(steps) and np.median(steps) > 0 else 10.0
    path.write_text(
        f"[Sequence]\nname={one.name}\nimDir=img1\nframeRate={rate_hz:.0f}\n"
        f"seqLength={len(one.timestamps_ns)}\nimWidth={one.width_px}\nimHeight={one.height_px}\n"
        f"imExt={one.suffix}\n",
        encoding="utf-8",
    )
