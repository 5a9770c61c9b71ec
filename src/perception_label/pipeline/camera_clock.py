"""Whether a log's cameras fit its sweeps: images there, of the right size, of the same clock."""

import numpy as np

from perception_label.arrays import Floats, Ints
from perception_label.errors import LabelError
from perception_label.geometry.cameras import Images
from perception_label.geometry.poses import EgoPoses
from perception_label.pipeline.camera_images import open_camera
from perception_label.quality.findings import Finding, Severity
from perception_label.storage.logs import Log
from perception_label.video.clock import clock_drift, pair_images
from perception_label.video.clock_offset import Offset, clock_offset, sideways_motion
from perception_label.video.images import ImageSource, as_grey

MUCH_UNPAIRED = 0.1  # of the sweeps: a camera that began late or lost images
MAX_DRIFT_PPM = 500.0  # two quartz clocks differ by 100; 29.97 taken for 30 is 1000
LATE_STEPS = 0.5  # images off the common line by more than this are another image's
OFFSET_FLOOR_S = 0.03  # smaller offsets are within what the picture's motion can tell
MAX_OFFSET_S = 0.5
STRETCH_S = 20.0  # of the log in which the vehicle turned most
MAX_IMAGES = 200  # decoded to feel the motion
PROFILE_PX = 320


def check_cameras(log: Log) -> list[Finding]:
    """Find cameras without their images, of another size than calibrated, or of another clock.

    Each camera's clock is reported in any case: `camera_clock`, how far the nearest image lies
    from each sweep.
    """
    found = []
    for name, images in log.images.items():
        found += _check_clock(log, name, images)
        try:
            source = open_camera(log, name)
            found += _check_size(log, name, source)
            found += _check_offset(name, camera_offset(log, images, source))
        except LabelError as error:
            found.append(
                Finding(
                    "camera_images",
                    "error",
                    f"camera {name}",
                    {"n_images": len(images.paths)},
                    f"its images cannot be read: {error}",
                )
            )
    return found


def camera_offset(log: Log, images: Images, source: ImageSource) -> Offset:
    """Estimate by how much a camera's clock is off from the ego path, told by the turns of both.

    The path's turn rate is compared with how fast the picture moves sideways, over the
    `STRETCH_S` seconds with most turning. Without ego poses nothing is sure.

    Raises
    ------
    SourceError
        If an image cannot be read.
    """
    if log.ego_poses is None or len(log.ego_poses.timestamps_ns) < 3 or len(source) < 3:
        return Offset(0, 0.0, False)
    times, rates = turn_rates(log.ego_poses)
    rows = _stretch(times, rates, images.timestamps_ns)
    if len(rows) < 3:
        return Offset(0, 0.0, False)
    scale = min(1.0, PROFILE_PX / source.width_px)
    greys = (as_grey(source.image(int(i), scale=scale)) for i in rows)
    moved = sideways_motion(greys)[1:]
    at = images.timestamps_ns[rows]
    steps = np.diff(at)
    is_apart = steps > 0
    middle = at[:-1] + steps // 2
    speed = moved[is_apart] / (steps[is_apart] / 1e9)
    return clock_offset(times, rates, middle[is_apart], speed, max_offset_s=MAX_OFFSET_S)


def turn_rates(path: EgoPoses) -> tuple[Ints, Floats]:
    """Return times between poses and the turn rates there about +z, radians per second."""
    ahead = path.world_from_ego[:, :2, 0]
    yaw = np.unwrap(np.arctan2(ahead[:, 1], ahead[:, 0]))
    steps = np.diff(path.timestamps_ns)
    is_apart = steps > 0
    times = path.timestamps_ns[:-1] + steps // 2
    return times[is_apart], np.diff(yaw)[is_apart] / (steps[is_apart] / 1e9)


def _stretch(times: Ints, rates: Floats, image_times: Ints) -> Ints:
    """Return the images of the stretch with most turning, at most `MAX_IMAGES`."""
    length = int(STRETCH_S * 1e9)
    ends = np.searchsorted(times, times + length, side="right")
    turning = np.concatenate([[0.0], np.cumsum(np.abs(rates))])
    best = int(np.argmax(turning[ends] - turning[:-1]))
    start, end = np.searchsorted(image_times, [times[best], times[best] + length])
    step = max(1, -(-(end - start) // MAX_IMAGES))
    return np.arange(start, end, step)


def _check_clock(log: Log, name: str, images: Images) -> list[Finding]:
    try:
        pairs = pair_images(log.timestamps_ns, images.timestamps_ns)
    except LabelError as error:
        return [Finding("camera_clock", "error", f"camera {name}", {}, str(error))]
    told = pairs.summary()
    share = told["n_unpaired"] / max(len(pairs.image), 1)
    severity: Severity = "error" if share == 1 else "warning" if share > MUCH_UNPAIRED else "info"
    advice = {
        "error": "no image lies near any sweep: another clock or another recording",
        "warning": "sweeps without an image: the camera began late, ended early or lost images",
        "info": "how far the nearest image lies from each sweep; median_s is a constant part",
    }[severity]
    found = [Finding("camera_clock", severity, f"camera {name}", told, advice)]
    if images.presentation_ns is not None and len(images.timestamps_ns) > 2:
        drift = clock_drift(images.timestamps_ns, images.presentation_ns)
        step_s = float(np.median(np.diff(images.presentation_ns))) / 1e9
        is_late = drift["residual_s"] > LATE_STEPS * step_s
        if is_late or abs(drift["drift_ppm"]) > MAX_DRIFT_PPM:
            text = (
                "the video's own times and those beside it disagree: was its rate typed by "
                "hand, or are images missing?"
            )
            evidence = {**drift, "step_s": step_s}
            found.append(Finding("camera_rate", "warning", f"camera {name}", evidence, text))
    return found


def _check_size(log: Log, name: str, source: ImageSource) -> list[Finding]:
    camera = log.cameras.get(name)
    if camera is None or (camera.width_px, camera.height_px) == (source.width_px, source.height_px):
        return []
    sizes = {
        "width_px": source.width_px,
        "height_px": source.height_px,
        "calibrated_width_px": camera.width_px,
        "calibrated_height_px": camera.height_px,
    }
    text = "images are not of the size the camera was calibrated for: scaled, cropped or turned"
    return [Finding("camera_size", "error", f"camera {name}", sizes, text)]


def _check_offset(name: str, offset: Offset) -> list[Finding]:
    seconds = offset.offset_ns / 1e9
    if not offset.is_sure or abs(seconds) < OFFSET_FLOOR_S:
        return []
    evidence = {"offset_s": seconds, "correlation": offset.correlation}
    text = "the picture turns earlier or later than the vehicle: add offset_s to the image times"
    return [Finding("camera_offset", "warning", f"camera {name}", evidence, text)]
