"""Pascal VOC: an XML file of each image of each camera of all logs.

`Annotations/<log>__<camera>__<number>.xml`, `JPEGImages/`, `ImageSets/Main/train.txt`,
`labelmap.txt`. Corners are whole pixels from 1, the last one inside, as the challenge has them.
The track and its source are in `<attributes>`, as other tools write their own.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

from perception_label.arrays import Ints
from perception_label.export.camera_sets import CameraSet, sets_of_logs
from perception_label.export.labelled import Labelled, Plan


def plan_logs(logs: Sequence[Labelled]) -> Plan:
    """Plan the set of all logs; the lists of images come last."""
    sets, left_out, n_left_out = sets_of_logs(logs, ("box",))
    files = {}
    for one in sets:
        for i, rows in enumerate(one.by_image()):
            if one.labelled.points is not False:
                files[f"JPEGImages/{_stem(one, i)}{one.suffix}"] = one.picture(i)
            files[f"Annotations/{_stem(one, i)}.xml"] = partial(_fill, one, i, rows)
    stems = [_stem(one, i) for one in sets for i in range(len(one.timestamps_ns))]
    names = sorted({str(name) for one in sets for name in set(one.labels.class_names.tolist())})
    colours = [f"{name}:{_colour(k)}::\n" for k, name in enumerate(["background", *names])]
    files["labelmap.txt"] = partial(
        _fill_text, "# label:color_rgb:parts:actions\n" + "".join(colours)
    )
    files["ImageSets/Main/train.txt"] = partial(_fill_text, "".join(f"{s}\n" for s in stems))
    return Plan(files, tuple(left_out), n_left_out)


def _stem(one: CameraSet, i: int) -> str:
    return f"{one.name}__{i:06d}"


def _fill(one: CameraSet, i: int, rows: Ints, path: Path) -> None:
    lines = [
        "<annotation>",
        "<folder>JPEGImages</folder>",
        f"<filename>{escape(_stem(one, i))}{one.suffix}</filename>",
        f"<source><database>{escape(one.labelled.log_id)}</database>"
        f"<annotation>{escape(one.camera)}</annotation><image>{one.timestamps_ns[i]}</image></source>",
        f"<size><width>{one.width_px}</width><height>{one.height_px}</height><depth>3</depth></size>",
        "<segmented>0</segmented>",
    ]
    for row in rows.tolist():
        lines.append(_object(one, row))
    _fill_text("\n".join([*lines, "</annotation>", ""]), path)


def _object(one: CameraSet, row: int) -> str:
    labels = one.labels
    x0, y0, x1, y1 = np.round(labels.boxes_px[row]).astype(int).tolist()
    # A box that rounds to nothing keeps the pixel it lies on.
    left, top = min(max(x0 + 1, 1), one.width_px), min(max(y0 + 1, 1), one.height_px)
    right, bottom = max(min(x1, one.width_px), left), max(min(y1, one.height_px), top)
    said = {
        "track_id": str(labels.track_ids[row]),
        "source": str(labels.sources[row]),
        "is_key": str(bool(labels.is_key[row])).lower(),
    }
    attributes = "".join(
        f"<attribute><name>{name}</name><value>{escape(value)}</value></attribute>"
        for name, value in said.items()
    )
    is_cut = left == 1 or top == 1 or right == one.width_px or bottom == one.height_px
    return (
        f"<object><name>{escape(str(labels.class_names[row]))}</name><pose>Unspecified</pose>"
        f"<truncated>{int(is_cut)}</truncated><difficult>0</difficult><occluded>0</occluded>"
        f"<bndbox><xmin>{left}</xmin><ymin>{top}</ymin><xmax>{right}</xmax><ymax>{bottom}</ymax>"
        f"</bndbox><attributes>{attributes}</attributes></object>"
    )


def _colour(k: int) -> str:
    """Return the colour that VOC gives class k: its bits, spread over red, green and blue."""
    out = [0, 0, 0]
    for bit in range(8):
        for channel in range(3):
            out[channel] |= ((k >> (3 * bit + channel)) & 1) << (7 - bit)
    return ",".join(map(str, out))


def _fill_text(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8")
