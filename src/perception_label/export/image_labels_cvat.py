"""CVAT for video 1.1.

Every label is written as a keyframe, since CVAT draws straight lines between keyframes and
would lose what was worked out; the attribute `made_by` tells people's from propagated ones.
"""

from xml.sax.saxutils import quoteattr

import numpy as np

from perception_label.arrays import Ints
from perception_label.geometry.image_labels import ImageLabels
from perception_label.geometry.masks import decompress
from perception_label.geometry.shapes import Shape

MADE_BY = ("human", "propagated")
_ATTRIBUTES = "".join(
    f"<attribute><name>{name}</name><mutable>{mutable}</mutable><input_type>{kind}</input_type>"
    f"<default_value>{values[0]}</default_value><values>{chr(10).join(values)}</values></attribute>"
    for name, mutable, kind, values in (
        ("made_by", "True", "select", MADE_BY),
        ("track_id", "False", "text", ("",)),
    )
)


def cvat_document(
    labels: ImageLabels, name: str, size_px: tuple[int, int], n_images: int
) -> tuple[str, tuple[str, ...]]:
    """Return the document, and what of the labels it could not hold, a line each."""
    height, width = size_px
    classes = sorted(set(labels.class_names.tolist()))
    defined = "".join(
        f"<label><name>{_text(c)}</name><attributes>{_ATTRIBUTES}</attributes></label>"
        for c in classes
    )
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        "<annotations>",
        "<version>1.1</version>",
        f"<meta><task><name>{_text(name)}</name><size>{n_images}</size><mode>interpolation</mode>"
        f"<start_frame>0</start_frame><stop_frame>{n_images - 1}</stop_frame>"
        f"<labels>{defined}</labels></task>"
        f"<original_size><width>{width}</width><height>{height}</height></original_size></meta>",
    ]
    skipped = 0
    for k, ((_, _), rows) in enumerate(labels.tracks().items()):
        label = quoteattr(str(labels.class_names[rows[0]]))
        lines.append(f'<track id="{k}" label={label} source="semi-auto">')
        found = [(int(labels.images[row]), _row(labels, row)) for row in rows.tolist()]
        skipped += sum(not line for _, line in found)
        lines += [line for _, line in sorted([*found, *_ends(labels, rows, n_images)]) if line]
        lines.append("</track>")
    return "\n".join([*lines, "</annotations>", ""]), _told(labels, skipped)


def cvat_left_out(labels: ImageLabels) -> tuple[str, ...]:
    """Return what `cvat_document` leaves out of labels that all have a place."""
    masks = [s for s in labels.shapes.tolist() if s is not None and s.kind == "mask"]
    return _told(labels, sum(_mask(shape) is None for shape in masks))


def _told(labels: ImageLabels, n_skipped: int) -> tuple[str, ...]:
    pieces = sum(len(s.parts) > 1 for s in labels.shapes.tolist() if s is not None)
    counts = (
        (n_skipped, "labels without a place"),
        (pieces, "polygons' smaller parts: an outline has one part there"),
    )
    return tuple(f"{n} {what}" for n, what in counts if n)


def _row(labels: ImageLabels, row: int, outside_at: int | None = None) -> str:
    """Return one label, or that the object is gone at an image; "" if it has no place."""
    has_place = np.isfinite(labels.boxes_px[row]).all() or labels.shapes[row] is not None
    said = _geometry(labels.shape(row)) if has_place else None
    if said is None:
        return ""
    tag, place = said
    at = int(labels.images[row]) if outside_at is None else outside_at
    is_out = outside_at is not None or not labels.visible[row]
    made_by = MADE_BY[0 if labels.is_key[row] and outside_at is None else 1]
    return (
        f'<{tag} frame="{at}" keyframe="1" outside="{int(is_out)}" occluded="0" {place} '
        f'z_order="0"><attribute name="made_by">{made_by}</attribute>'
        f'<attribute name="track_id">{_text(labels.track_ids[row])}</attribute></{tag}>'
    )


def _ends(labels: ImageLabels, rows: Ints, n_images: int) -> list[tuple[int, str]]:
    """Return what ends a track, and each of its pieces, for a reader that would go on."""
    images = labels.images[rows]
    last = np.flatnonzero(np.append(np.diff(images) > 1, images[-1] + 1 < n_images))
    after = [(int(images[k]) + 1, int(rows[k])) for k in last.tolist()]
    return [(image, _row(labels, row, image)) for image, row in after]


def _geometry(shape: Shape) -> tuple[str, str] | None:
    match shape.kind:
        case "box":
            sides = zip(("xtl", "ytl", "xbr", "ybr"), shape.box_px.tolist(), strict=True)
            return "box", " ".join(f'{name}="{value:.3f}"' for name, value in sides)
        case "mask":
            return _mask(shape)
        case "polygon":
            # CVAT has one outline for each: the largest part stands for the object.
            part = max(shape.parts_px, key=len)
            return "polygon", _points(part)
        case "keypoints":
            return "points", _points(shape.points_px[np.asarray(shape.visibility) > 0])
    return "polyline", _points(shape.points_px)


def _points(points_px: np.ndarray) -> str:
    pairs = ";".join(f"{x:.3f},{y:.3f}" for x, y in (points_px + 0.5).tolist())
    return f'points="{pairs}"'


def _mask(shape: Shape) -> tuple[str, str] | None:
    height, width = shape.size_px
    runs = decompress(shape.counts)
    is_on = np.arange(len(runs)) % 2 == 1
    whole = np.repeat(is_on, runs).reshape(width, height).T
    ys, xs = np.flatnonzero(whole.any(axis=1)), np.flatnonzero(whole.any(axis=0))
    if len(ys) == 0:
        return None
    cut = whole[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1]
    flat = np.concatenate([[False], cut.reshape(-1)])
    turns = np.flatnonzero(np.diff(flat))
    lengths = np.diff(np.concatenate([[0], turns, [cut.size]]))
    rle = ", ".join(map(str, lengths.tolist()))
    place = f'left="{xs[0]}" top="{ys[0]}" width="{cut.shape[1]}" height="{cut.shape[0]}"'
    return "mask", f'rle="{rle}" {place}'


def _text(value: str) -> str:
    return quoteattr(str(value))[1:-1]
