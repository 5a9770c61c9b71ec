"""MOTChallenge: a sequence of each camera of each log.

`<log>__<camera>/gt/gt.txt` (number of the image, track, x, y, width, height, 1 or less where
nobody set the box, class, visibility), images and pixels from 1; `seqinfo.ini`; `det/` is not
written. `side/<log>.json` has the track and class of each number, and each image's time. Pictures
are written with `--points`, as `img1/000001.jpg`.
"""

from functools import partial
from pathlib import Path

import numpy as np

from perception_label.export.camera_sets import CameraSet, camera_sets, n_not_written
from perception_label.export.image_labels import LabelledVideo, mot_numbers, write_image_labels
from perception_label.export.labelled import Labelled, Plan, json_file


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
    return {
        "timestamps_ns": one.timestamps_ns.tolist(),
        "tracks": [
            {"number": int(k), "track_id": name, "class_name": str(classes[name])}
            for name, k in mot_numbers(names).items()
        ],
    }


def _fill(one: CameraSet, path: Path) -> None:
    write_image_labels(path, _video(one), "mot")


def _video(one: CameraSet) -> LabelledVideo:
    return LabelledVideo(one.name, one.labels, one.width_px, one.height_px, one.timestamps_ns)


def _fill_facts(one: CameraSet, path: Path) -> None:
    steps = np.diff(one.timestamps_ns)
    rate_hz = 1e9 / float(np.median(steps)) if len(steps) and np.median(steps) > 0 else 10.0
    path.write_text(
        f"[Sequence]\nname={one.name}\nimDir=img1\nframeRate={rate_hz:.0f}\n"
        f"seqLength={len(one.timestamps_ns)}\nimWidth={one.width_px}\nimHeight={one.height_px}\n"
        f"imExt={one.suffix}\n",
        encoding="utf-8",
    )
