"""2-D labels as COCO's annotations."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from perception_label.geometry.image_labels import ImageLabels


def annotations(
    labels: ImageLabels,
    categories: Mapping[str, int],
    tracks: Mapping[str, int],
    first_image: int,
    first: int,
) -> Iterator[dict[str, Any]]:
    """Yield an annotation for each label, which must have a place.

    Parameters
    ----------
    labels : ImageLabels
        M labels; `images` count from 0.
    categories, tracks : mapping of int
        The numbers of classes and tracks.
    first_image, first : int
        The id of image 0, and of the first annotation.
    """
    for row in range(len(labels)):
        name = str(labels.track_ids[row])
        yield {
            "id": first + row,
            "image_id": int(labels.images[row]) + first_image,
            "category_id": categories[str(labels.class_names[row])],
            **_shape(labels, row),
            "score": round(float(labels.scores[row]), 6),
            "attributes": {
                "track_id": tracks[name],
                "track_name": name,
                "is_key": bool(labels.is_key[row]),
                "source": str(labels.sources[row]),
                "expected_iou": _number(labels.expected_iou[row]),
            },
        }


def _shape(labels: ImageLabels, row: int) -> dict[str, Any]:
    x0, y0, x1, y1 = labels.boxes_px[row].tolist()
    said: dict[str, Any] = {
        "bbox": [x0, y0, x1 - x0, y1 - y0], "area": (x1 - x0) * (y1 - y0), "iscrowd": 0
    }  # fmt: skip
    if labels.shapes[row] is None:
        return said
    shape = labels.shape(row)
    match shape.kind:
        case "mask":
            said["segmentation"] = {"size": list(shape.size_px), "counts": shape.counts}
        case "keypoints":
            seen = np.asarray(shape.visibility)
            points = np.column_stack([shape.points_px + 0.5, seen])
            points[seen == 0] = 0
            said |= {
                "keypoints": points.reshape(-1).tolist(),
                "num_keypoints": int((seen > 0).sum()),
            }
        case "polygon":
            said["segmentation"] = [(part + 0.5).reshape(-1).tolist() for part in shape.parts_px]
        case _:
            said["polyline"] = (shape.points_px + 0.5).reshape(-1).tolist()
    return said


def _number(value: float) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None
