"""YOLO, checked by Ultralytics as before a training, and its boxes against truth."""

import logging
import os
from pathlib import Path

from checks import client
from flat_boxes import compare


@client("ultralytics")
def check(checks):
    os.environ |= {"YOLO_OFFLINE": "true", "YOLO_CONFIG_DIR": "."}
    logging.disable(logging.WARNING)
    from ultralytics.data.utils import check_det_dataset, verify_image_label

    root = checks.folder / "yolo"
    data = check_det_dataset(str(root / "data.yaml"), autodownload=False)
    names = data["names"]
    checks.that(
        "classes", sorted(names.values()) == ["car", "cyclist", "pedestrian", "truck"], names
    )
    found, corrupt, seen = {}, 0, 0
    for image in sorted(Path(data["train"]).iterdir()):
        label = root / "labels/train" / f"{image.stem}.txt"
        said = verify_image_label((str(image), str(label), "", False, len(names), 0, 0, False))
        _, rows, (height, width) = said[:3]
        corrupt += said[8]
        seen += 1
        _, camera, number = image.stem.split("__")
        for k, (kind, x, y, w, h) in enumerate(rows.tolist()):
            box = [
                (x - w / 2) * width,
                (y - h / 2) * height,
                (x + w / 2) * width,
                (y + h / 2) * height,
            ]
            found[camera, int(number), k] = (names[int(kind)], box)
    checks.that("no image or label is corrupt", not corrupt and seen == 16, f"{corrupt} of {seen}")
    compare(checks, found)
