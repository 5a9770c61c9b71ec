"""Simulated images at rest: pictures in a folder, or a video."""

from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image

from perception_label.errors import SettingError
from perception_label.geometry.cameras import Images
from perception_label.simulate.camera.images import Bytes, SimulatedCamera
from perception_label.video.write import write_video

Progress = Callable[[int, int], None]

KINDS = ("jpg", "png", "mp4")
_QUALITY = 92  # of JPEG: grain survives


def write_images(
    camera: SimulatedCamera,
    folder: Path,
    *,
    kind: str = "jpg",
    workers: int = 2,
    progress: Progress | None = None,
) -> Images:
    """Write a camera's images: each as a file named by its timestamp, or all as one video.

    Parameters
    ----------
    camera : SimulatedCamera
        The camera.
    folder : Path
        For pictures, made if it is not there; a video lies beside it, `<folder>.mp4`.
    kind : str
        `jpg`; `png` for the exact pixels; `mp4`, in which dark and bright are a little less so
        and grain is lost, as cameras' videos have it.
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
    if kind == "mp4":
        return _write_video(camera, folder.with_name(f"{folder.name}.mp4"), workers, progress)
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
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


def _write_video(
    camera: SimulatedCamera, path: Path, workers: int, progress: Progress | None
) -> Images:
    path.parent.mkdir(parents=True, exist_ok=True)

    def told() -> Iterator[Bytes]:
        for done, picture in enumerate(camera.pictures(workers), start=1):
            yield picture
            if progress is not None:
                progress(done, len(camera))

    write_video(path, told(), camera.timestamps_ns)
    return Images(camera.timestamps_ns, (path,) * len(camera))
