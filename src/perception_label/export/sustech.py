"""SUSTechPOINTS: a scene of each log, as its editor opens it.

`<log>/lidar/000000.pcd`, `<log>/label/000000.json`, `<log>/camera/<name>/000000.jpg` (the image
nearest to the sweep), `<log>/calib/camera/<name>.json`, and `side/<log>.json` with the sweeps'
times and the tracks' attributes. Boxes that nobody set are marked `annotator: i`, as the editor's
own interpolated ones.
"""

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from perception_label.export.labelled import Labelled, Plan, json_file
from perception_label.export.pictures import half_period_ns, nearest_images, picture_file
from perception_label.export.sensor_boxes import SensorBoxes, fill_pcd, sensor_boxes
from perception_label.geometry.poses import inverse

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = {
    "car": "Car", "truck": "Truck", "bus": "Bus", "pedestrian": "Pedestrian",
    "bicycle": "Bicycle", "motorcycle": "Motorcycle", "cyclist": "BicycleRider",
}  # fmt: skip


def plan(labelled: Labelled) -> Plan:
    """Plan the scene of a log; boxes between sweeps are left out.

    Raises
    ------
    MissingPosesError
        If the log has no ego poses.
    """
    boxes, said = sensor_boxes(labelled)
    log, n = labelled.log_id, len(labelled.timestamps_ns)
    files: dict[str, Callable[[Path], None]] = {}
    if labelled.points is not False:
        for i in range(n):
            files[f"{log}/lidar/{i:06d}.pcd"] = partial(fill_pcd, labelled, i)
        for name in labelled.images:
            near = nearest_images(labelled, name, half_period_ns(labelled.timestamps_ns))
            for i in np.flatnonzero(near >= 0).tolist():
                fill = picture_file(labelled, name, int(near[i]), ".jpg")
                files[f"{log}/camera/{name}/{i:06d}.jpg"] = fill
    for name, camera in labelled.cameras.items():
        camera_from_lidar = inverse(np.asarray(camera.ego_from_camera)) @ labelled.ego_from_lidar
        facts = {
            "extrinsic": camera_from_lidar.ravel().tolist(),
            "intrinsic": np.asarray(camera.intrinsics).ravel().tolist(),
        }
        files[f"{log}/calib/camera/{name}.json"] = json_file(facts)
    told = labelled.track_facts()
    side = {
        **labelled.facts("sustech"),
        "timestamps_ns": labelled.timestamps_ns.tolist(),
        "attributes": {k: dict(v.attributes) for k, v in told.items()},
        "sweep_attributes": {
            k: {name: list(values.items()) for name, values in v.sweep_attributes.items()}
            for k, v in told.items()
        },
    }
    files[f"side/{log}.json"] = json_file(side)
    for i in range(n):
        files[f"{log}/label/{i:06d}.json"] = partial(_fill, boxes, i)
    return Plan(files, said, len(labelled.boxes) - len(boxes.labels))


def _fill(boxes: SensorBoxes, i: int, path: Path) -> None:
    rows = slice(boxes.rows(i).start, boxes.rows(i).stop)
    labels = boxes.labels[rows]
    columns = (
        labels.tracks.tolist(), labels.classes.tolist(), boxes.center_m[rows].tolist(),
        labels.cuboids.size_m.tolist(), boxes.euler_rad[rows].tolist(), boxes.is_key[rows].tolist(),
    )  # fmt: skip
    out = []
    for track, kind, center, size, turn, is_key in zip(*columns, strict=True):
        name = labels.class_names[kind]
        place = {
            "position": dict(zip("xyz", center, strict=True)),
            "scale": dict(zip("xyz", size, strict=True)),
            "rotation": dict(zip("xyz", turn, strict=True)),
        }
        box = {
            "psr": place, "obj_type": NAMES.get(name, name), "obj_id": labels.track_names[track]
        }  # fmt: skip
        out.append(box if is_key else {**box, "annotator": "i"})
    path.write_text(json.dumps(out, ensure_ascii=False, allow_nan=False), encoding="utf-8")
