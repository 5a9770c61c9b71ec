"""COCO, VOC, YOLO, CVAT and MOT, read by datumaro."""

import json
import logging
import re

from checks import client
from flat_boxes import compare


def items(path, format):
    import datumaro

    data = datumaro.Dataset.import_from(str(path), format)
    names = [c.name for c in data.categories()[datumaro.AnnotationType.label]]
    for item in data:
        for k, one in enumerate(item.annotations):
            yield item, k, names[one.label], one.points, one.attributes


def coco(root):
    for item, _, name, box, said in items(root, "coco"):
        _, camera, number = item.id.split("/")
        yield (camera, int(number), said["track_name"]), (name, box)


def voc(root):
    for item, _, name, (x0, y0, x1, y1), said in items(root, "voc"):
        _, camera, number = item.id.split("__")
        # It hands the corners on as they are: first and last pixel inside, from 1.
        yield (camera, int(number), said["track_id"]), (name, [x0 - 1, y0 - 1, x1, y1])


def yolo(root):
    for item, k, name, box, _ in items(root, "yolo"):
        _, camera, number = item.id.split("__")
        yield (camera, int(number), k), (name, box)


def cvat(root):
    for folder in root.glob("*__*"):
        camera = folder.name.split("__")[1]
        for item, k, name, box, said in items(folder / "annotations.xml", "cvat"):
            if not said["outside"]:
                yield (camera, int(re.search(r"\d+", item.id)[0]), k), (name, box)


def mot(root):
    side = json.loads((root / "side/hill-1.json").read_text(encoding="utf-8"))
    for folder in root.glob("*__*"):
        camera = folder.name.split("__")[1]
        tracks = {t["number"]: t for t in side["cameras"][camera]["tracks"]}
        for item, _, _, (x0, y0, x1, y1), said in items(folder, "mot_seq"):
            told = tracks[said["track_id"]]
            box = [x0 - 1, y0 - 1, x1 - 1, y1 - 1]
            yield (camera, int(item.id) - 1, told["track_id"]), (told["class_name"], box)


@client("datumaro")
def check(checks):
    logging.disable(logging.WARNING)
    for read in (coco, voc, yolo, cvat, mot):
        before = len(checks.found)
        compare(checks, dict(read(checks.folder / read.__name__)))
        for one in checks.found[before:]:
            one["what"] = f"{read.__name__}: {one['what']}"
