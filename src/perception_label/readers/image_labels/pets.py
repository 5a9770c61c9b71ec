"""The XML of the CAVIAR project, which PETS 2009's boxes come in: a box by centre and size."""

from pathlib import Path

from perception_label.readers.files import refuse
from perception_label.readers.image_labels.file import (
    ImageLabelFile,
    Rows,
    number,
    shape_at,
    whole_number,
)
from perception_label.readers.image_labels.xml_tree import read_xml


def read(path: Path) -> ImageLabelFile:
    """Read such a file; numbers count images from 0, and all objects are pedestrians."""
    root = read_xml(path)
    if root.tag != "dataset":
        raise refuse(path, "CVAT's annotations or PETS' dataset", root.tag)
    rows = Rows(path)
    for image in root.iter("frame"):
        at = whole_number(path, "the image's number", image.get("number"))
        for thing in image.iter("object"):
            box = thing.find("box")
            where = f"of object {thing.get('id')} in image {at}"
            if box is None or thing.get("id") is None:
                raise refuse(path, f"an id and a box {where}", "none")
            xc, yc, w, h = (
                number(path, f"{name} {where}", box.get(name)) for name in ("xc", "yc", "w", "h")
            )
            edges = [xc - w / 2, yc - h / 2, xc + w / 2, yc + h / 2]
            rows.add(at, str(thing.get("id")), "pedestrian", shape_at(path, where, "box", edges))
    return ImageLabelFile(path, rows.labels())
