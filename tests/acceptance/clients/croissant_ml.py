"""Croissant: `mlcroissant` checks the description and the hashes, and reads the records."""

import numpy as np
from checks import client, turn


@client("mlcroissant")
def check(checks):
    import mlcroissant

    for name in ("croissant", "huggingface"):
        data = mlcroissant.Dataset(jsonld=str(checks.folder / name / "croissant.json"))
        errors = list(data.metadata.issues.errors)
        checks.that(f"{name}: no errors", not errors, errors)
        ids = [records.uuid for records in data.metadata.record_sets]
        boxes = next(i for i in ids if i.startswith("boxes"))
        rows = {(r["track_id"], r["timestamp_ns"]): r for r in checks.truth["rows"]}
        centers, yaws = [], []
        for record in data.records(boxes):
            box = {key.rsplit("/", 1)[1]: value for key, value in record.items()}
            row = rows.pop((box["track_id"].decode(), box["timestamp_ns"]))
            at = [box["x_m"], box["y_m"], box["z_m"]]
            centers += list(np.subtract(at, row["world_center_m"]))
            yaws.append(turn(box["yaw_rad"], row["yaw_rad"]))
        checks.that(f"{name}: every box is a record", not rows, len(rows))
        checks.near(f"{name}: centres in the world", centers)
        checks.near(f"{name}: headings in the world", yaws)
        for other in ids:
            n = sum(1 for _ in data.records(other))
            checks.that(f"{name}: records of {other}", n > 0, n)
