"""Pairs of images with their true flow: real ones where they are at hand, simulated ones always."""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

DATA = Path(os.environ.get("PERCEPTION_LABEL_DATA", Path(__file__).parents[3] / "shared" / "data"))
Pair = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float32], NDArray[np.bool_]]


def grey(path: Path) -> NDArray[np.uint8]:
    return np.asarray(Image.open(path).convert("L"))


def rubber_whale() -> Pair:
    """Middlebury's RubberWhale, small motion; evaluation only."""
    folder = DATA / "flow"
    raw = (folder / "rubberwhale_gt.flo").read_bytes()
    w, h = np.frombuffer(raw, np.int32, 2, 4)
    flow = np.frombuffer(raw, np.float32, 2 * w * h, 12).reshape(h, w, 2)
    first, second = (grey(folder / f"rubberwhale{i}.png") for i in (1, 2))
    return first, second, flow, (np.abs(flow) < 1e9).all(axis=2)


def kitti() -> Pair:
    """One pair of KITTI, motion to 190 px; evaluation only."""
    import cv2  # Pillow reads no PNG of 16 bits and three channels

    folder = DATA / "flow" / "kitti"
    coded = cv2.imread(str(folder / "flow_gt.png"), cv2.IMREAD_UNCHANGED)[..., ::-1]
    flow = ((coded[..., :2].astype(np.float32)) - 2**15) / 64
    first, second = (grey(p) for p in sorted(folder.glob("*[12].png")))
    return first, second, flow, coded[..., 2] > 0


def simulated(image: int) -> Pair:
    """Two images of a simulated drive, 640 x 400, 0.1 s apart, where both show a thing."""
    from perception_label.simulate.camera import simulated_cameras
    from perception_label.simulate.settings import CameraSettings, SceneSettings

    settings = SceneSettings(seed=1, duration_s=10, cameras=(CameraSettings(),))
    camera = simulated_cameras(settings)["front"]
    exact = camera.flow(image)
    known = exact.is_seen & np.isfinite(exact.flow_px).all(axis=2)
    return camera.grey(image), camera.grey(image + 1), exact.flow_px, known


def pairs() -> dict[str, Pair]:
    """Return every pair at hand by name."""
    found = {f"simulated {i}": simulated(i) for i in (10, 45, 80)}
    if (DATA / "flow").exists():
        found = {"RubberWhale": rubber_whale(), "KITTI": kitti(), **found}
    return found
