"""Dense 2-D labels of a camera, whoever has them: people's, else the cuboids as it sees them."""

import numpy as np
import pyarrow as pa

from perception_label.geometry.image_labels import BOX, ImageLabels, no_image_labels
from perception_label.pipeline.project import project_tracks
from perception_label.pipeline.solve_images import NAME, image_table
from perception_label.storage.logs import Log
from perception_label.tables import image_labels_from_table, labels_from_table

PROJECTED = "projected"  # the source of a box that is a cuboid's outline


def drawn_cameras(log: Log) -> frozenset[str]:
    """Return the cameras on whose images the log has dense 2-D labels that people began."""
    table = log.machine(NAME)
    if table is None:
        return frozenset()
    names = table.column("camera").unique().to_pylist()
    return frozenset(name for name in names if name in log.image_timestamps_ns)


def labels_on_images(log: Log, camera: str, boxes: pa.Table) -> ImageLabels:
    """Return the dense 2-D labels on all images of a camera.

    Parameters
    ----------
    log : Log
        The log.
    camera : str
        Its camera.
    boxes : pa.Table
        Dense cuboids (`schema.CUBOIDS`), world frame: shown as rectangles around their visible
        outlines where nobody drew on that camera's images.

    Returns
    -------
    ImageLabels
        By image; of a projected one the expected IoU is unknown and the score the visible share.
    """
    if NAME in log.machine_names():
        drawn = image_labels_from_table(image_table(log, camera))
        if len(drawn):
            return drawn
    if camera not in log.cameras or log.ego_poses is None or not len(boxes):
        return no_image_labels()
    seen = project_tracks(log, camera, labels_from_table(boxes), workers=1)
    names = np.array(seen.track_names, dtype=np.object_)
    m = len(seen)
    return ImageLabels(
        images=seen.images,
        timestamps_ns=seen.timestamps_ns,
        track_ids=names[seen.tracks] if m else np.empty(0, dtype=np.object_),
        class_names=seen.class_names.astype(np.object_),
        boxes_px=seen.boxes_px,
        kinds=np.full(m, BOX, dtype=np.int8),
        is_key=np.zeros(m, dtype=np.bool_),
        scores=seen.visible,
        sources=np.full(m, PROJECTED, dtype=np.object_),
    )
