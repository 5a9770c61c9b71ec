"""KITTI raw's tracklets, read by Datumaro, which rounds every number to two decimals."""

import numpy as np
from checks import client, heading, turn

ROUNDED = 0.0051  # half of its last decimal


@client("datumaro")
def check(checks):
    import datumaro

    drive = next((checks.folder / "kitti-raw" / "hill-1").glob("*/*_sync"))
    found = datumaro.Dataset.import_from(str(drive), "kitti_raw")
    items = {int(item.attributes["frame"]): item for item in found}
    n = len(checks.truth["timestamps_ns"])
    checks.that("every sweep is an item", sorted(items) == list(range(n)), sorted(items))
    names = found.categories()[datumaro.AnnotationType.label]
    wanted = {"car": "Car", "truck": "Truck", "pedestrian": "Pedestrian", "cyclist": "Cyclist"}
    centers, sizes, yaws, classes, keys, counts = [], [], [], [], [], []
    for sweep in range(n):
        rows = checks.rows(sweep)
        boxes = items[sweep].annotations
        counts.append(len(boxes) - len(rows))
        ego_from_lidar = np.array(checks.truth["ego_from_lidar"])
        world_from_lidar = np.array(checks.truth["world_from_ego"][sweep]) @ ego_from_lidar
        for box in boxes:
            # Positions are KITTI's own: the middle of the bottom face.
            height, width, length = box.scale
            center = np.add(box.position, [0, 0, height / 2])
            row = min(rows.values(), key=lambda r: np.abs(center - r["lidar_center_m"]).max())
            centers += list(center - row["lidar_center_m"])
            sizes += list(np.subtract([length, width, height], row["size_m"]))
            ahead = [np.cos(box.rotation[2]), np.sin(box.rotation[2]), 0]
            yaws.append(turn(heading(world_from_lidar[:3, :3] @ ahead), row["yaw_rad"]))
            classes.append(names[box.label].name == wanted[row["class_name"]])
            keys.append(bool(box.attributes.get("occluded", False)))
    checks.near("boxes of each sweep", counts, 0)
    checks.near("centres, to its rounding", centers, 0.0101)
    checks.near("sizes, to its rounding", sizes, ROUNDED)
    checks.near("headings back in the world, to its rounding", yaws, ROUNDED + 1e-4)
    checks.that("classes", all(classes), len(classes))
    checks.that("nothing is called occluded", not any(keys), sum(keys))
