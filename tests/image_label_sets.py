"""2-D labels to test with, of a video of 12 images of 64 x 48 pixels."""

import numpy as np
from PIL import Image

from perception_label import open_workspace
from perception_label.export.image_labels import LabelledVideo
from perception_label.geometry.image_labels import ImageLabels, objects, texts
from perception_label.geometry.masks import compress, encode
from perception_label.geometry.shapes import KINDS, Shape
from perception_label.storage.whole import write_table
from perception_label.tables import images_to_table
from perception_label.video.images import open_images
from recordings import recording

N, HEIGHT, WIDTH = 12, 48, 64
TIMES = np.arange(N, dtype=np.int64) * 40_000_000


def mask_of(y0, y1, x0, x1):
    whole = np.zeros((HEIGHT, WIDTH), dtype=bool)
    whole[y0:y1, x0:x1] = True
    whole[y0, x0] = False
    return Shape.mask([HEIGHT, WIDTH], compress(encode(whole).runs(0)).decode())


def shapes():
    """One label of each kind per track, two tracks of boxes; keyframes at images 0 and 6."""
    out = []
    for k in (0, 3, 6):
        out.append(("7", "car", k, Shape.box([5 + k, 6.25, 20 + k, 30])))
        out.append(("9", "pedestrian", k, Shape.box([30, 6, 41 + k, 40.5])))
        out.append(
            (
                "11",
                "car",
                k,
                Shape.polygon([[[2, 2 + k], [9, 2], [9, 9]], [[20, 20], [25, 20], [25, 26]]]),
            )
        )
        out.append(("12", "car", k, mask_of(4, 20, 10, 15 + k)))
        out.append(("13", "pedestrian", k, Shape.keypoints([[4, 5], [6, 7 + k]], [2, 1])))
        out.append(("14", "other", k, Shape.polyline([[0, 0], [30, 20 + k], [60, 40]])))
    return out


def labels(only=KINDS):
    rows = [row for row in shapes() if row[3].kind in only]
    images = np.array([row[2] for row in rows])
    made = [row[3] for row in rows]
    boxes = [
        [10, 4, 15 + row[2], 20] if s.kind == "mask" else s.box_px
        for s, row in zip(made, rows, strict=True)
    ]
    is_key = images != 3
    return ImageLabels(
        images=images,
        timestamps_ns=TIMES[images],
        track_ids=texts([row[0] for row in rows]),
        class_names=texts([row[1] for row in rows]),
        boxes_px=np.array(boxes, dtype=float),
        kinds=np.array([KINDS.index(s.kind) for s in made], dtype=np.int8),
        shapes=objects([None if s.kind == "box" else s for s in made]),
        is_key=is_key,
        expected_iou=np.where(is_key, np.nan, 0.75),
        sources=texts(np.where(is_key, "human", "video")),
    )


def video(only=KINDS):
    return LabelledVideo("clip.avi", labels(only), WIDTH, HEIGHT, TIMES)


def images(n=N, seed=0):
    """Noise that moves to the right by a pixel an image."""
    rng = np.random.default_rng(seed)
    ground = rng.integers(0, 256, (HEIGHT, WIDTH + n), dtype=np.uint8)
    return open_images(
        [ground[:, n - k : n - k + WIDTH] for k in range(n)],
        timestamps_ns=np.arange(n) * 40_000_000,
    )


def workspace(folder, cameras=("front", "rear")):
    """A log whose cameras took 12 images, content moving to the right by a pixel an image."""
    ws = open_workspace(folder / "ws")
    ws.ingest(recording())
    log, source, paths = ws.log(), images(), []
    for k in range(len(source)):
        path = folder / f"{k:04d}.png"
        Image.fromarray(source.image(k)).save(path)
        paths.append(str(path))
    times = log.timestamps_ns[0] + np.arange(len(source)) * 40_000_000
    place = ws.path / "logs" / log.id / "images"
    place.mkdir(exist_ok=True)
    for camera in cameras:
        write_table(place / f"{camera}.arrow", images_to_table(times, paths))
    return ws
