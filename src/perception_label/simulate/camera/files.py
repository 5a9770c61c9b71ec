"""Simulated images at rest: a folder of pictures, or a video."""

from collections.abc import Callable
from pathlib import Path

from PIL import Image

from perception_label.errors import SettingError
from perception_label.geometry.cameras import Images
from perception_label.simulate.camera.images import SimulatedCamera
from perception_label.video.write import write_video

Progress = Callable[[int, int], None]

KINDS = ("jpg", "png")
_QUALITY = 92  # of JPEG: grain survives


def write_images(
    camera: SimulatedCamera,
    folder: Path,
    *,
    kind: str = "jpg",
    workers: int = 2,
    progress: Progress | None = None,
) -> Images:
    """Write each image of a camera as a file named by its timestamp.

    Parameters
    ----------
    camera : SimulatedCamera
        The camera.
    folder : Path
        Made if it is not there.
    kind : str
        `jpg`, or `png` for the exact pixels.
    workers : int
        Threads that make the images.
    progress : callable, optional
        Told how many of how many are written.

    Returns
    -------
    Images
        What a recording says of them.

    Raises
    ------
    SettingError
        If the kind is not known.
    """
    if kind not in KINDS:
        raise SettingError(f"kind: expected one of {', '.join(KINDS)}, got {kind!r}")
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    times = camera.timestamps_ns.tolist()
    for timestamp, made in zip(times, camera.pictures(workers), strict=True):
        path = folder / f"{timestamp}.{kind}"
        picture = Image.fromarray(made)
        if kind == "jpg":
            picture.save(path, quality=_QUALITY, subsampling=0)
        else:
            picture.save(path, compress_level=1)
        paths.append(path)
        if progress is not None:
            progress(len(paths), len(camera))
    return Images(camera.timestamps_ns, tuple(paths))


def write_camera_video(camera: SimulatedCamera, path: Path, *, workers: int = 2) -> Path:
    """Write the images of a camera as a video with their own times, from zero."""
    write_video(path, camera.pictures(workers), camera.timestamps_ns)
    return path
