"""COCO, loaded and scored by pycocotools."""

import contextlib
import io

from checks import client
from flat_boxes import compare


@client("pycocotools")
def check(checks):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    root = checks.folder / "coco"
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(root / "annotations/instances_train.json"))
        boxes = truth.dataset["annotations"]
        keys = ("image_id", "category_id", "bbox")
        results = [{**{k: a[k] for k in keys}, "score": 0.9} for a in boxes]
        scored = COCOeval(truth, truth.loadRes(results), "bbox")
        scored.evaluate()
        scored.accumulate()
        scored.summarize()
    checks.near("AP of the boxes against themselves is 1", [scored.stats[0] - 1], 1e-9)
    found = {}
    for a in boxes:
        image = truth.imgs[a["image_id"]]
        x, y, w, h = a["bbox"]
        key = (image["camera"], image["frame_index"], a["attributes"]["track_name"])
        found[key] = (truth.cats[a["category_id"]]["name"], [x, y, x + w, y + h])
    compare(checks, found)
    there = [(root / "images" / image["file_name"]).is_file() for image in truth.imgs.values()]
    checks.that("every picture is there", all(there) and there, len(there))
