"""What the clients of 2-D formats share: their boxes against truth that a pinhole gives."""

NEAR_PX = 1.0  # the exporter takes account of when the LiDAR passed an object; VOC rounds


def compare(checks, found, classes=True):
    """Check boxes, (camera, image, track or None) → (class, x0 y0 x1 y1) with 0 the outer edge.

    Without tracks a key is (camera, image, number), and the nearest box of the class counts.
    """
    errors, wrong = [], []
    by_image = {}
    for (camera, image, track), value in found.items():
        by_image.setdefault((camera, image), []).append((track, *value))
    for row in checks.truth["image_rows"]:
        there = by_image.get((row["camera"], row["image"]), [])
        own = [one for one in there if one[0] == row["track_id"]]
        own = own or [
            one for one in there if isinstance(one[0], int) and one[1] == row["class_name"]
        ]
        gaps = [
            (max(abs(a - b) for a, b in zip(one[2], row["box_px"], strict=True)), one[1])
            for one in own
        ]
        gap, name = min(gaps, default=(float("inf"), ""))
        errors.append(gap)
        wrong.append(classes and name != row["class_name"])
    checks.near("2-D boxes where a pinhole has the corners, pixels", errors, NEAR_PX)
    checks.that("classes", not any(wrong), f"{sum(wrong)} of {len(wrong)} differ")
