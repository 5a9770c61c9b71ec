"""Label Studio: tasks of videos, one for each camera, with video rectangles.

`tasks.json` is imported into a project with `label_config.xml`; `videos/<log>__<camera>.mp4` are
served from this folder (LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT). Places are per cent of the video.

Label Studio has keyframes alone and draws straight lines between them, so every label is one.
Those that nobody set carry `source` and `worked_out`, their place: one whose place is another
was moved in Label Studio, and is a keyframe from then on.
"""

import json
import uuid
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np

from perception_label.arrays import Ints
from perception_label.export.camera_sets import CameraSet, sets_of_logs
from perception_label.export.labelled import Labelled, Plan, json_file

TASKS, CONFIG = "tasks.json", "label_config.xml"
SERVED = "/data/local-files/?d="
DEFAULT_HZ = 10.0  # of a camera that took one picture
SIDES = ("x", "y", "width", "height")


def plan_logs(logs: Sequence[Labelled]) -> Plan:
    """Plan the tasks of all logs, after the videos; shapes become the boxes around them."""
    sets, left_out, n_left_out = sets_of_logs(logs, ("box",))
    classes = sorted({str(name) for one in sets for name in one.labels.class_names})
    classes = classes or ["other"]
    facts = {one.log_id: one.facts("label-studio") for one in logs}
    files: dict[str, Callable[[Path], None]] = {"conventions.json": json_file(facts)}
    for one in sets:
        if one.labelled.points is not False:
            files[_video(one)] = partial(_fill_video, one)
    files[CONFIG] = partial(_fill_config, classes)
    files[TASKS] = partial(_fill, sets)
    return Plan(files, tuple(left_out), n_left_out)


def _video(one: CameraSet) -> str:
    return f"videos/{one.name}.mp4"


def _rate_hz(times: Ints) -> float:
    gaps = np.diff(times)
    usual = float(np.median(gaps)) if len(gaps) else 0.0
    return round(1e9 / usual, 6) if usual > 0 else DEFAULT_HZ


def _fill_video(one: CameraSet, path: Path) -> None:
    # Label Studio counts images by a constant rate.
    n, rate_hz = len(one.timestamps_ns), _rate_hz(one.timestamps_ns)
    times = np.round(np.arange(n) * (1e9 / rate_hz)).astype(np.int64)
    one.labelled.write_video(one.camera, times, path)


def _fill_config(classes: Sequence[str], path: Path) -> None:
    labels = "\n".join(f"    <Label value={quoteattr(name)}/>" for name in classes)
    path.write_text(
        '<View>\n  <Video name="video" value="$video" framerate="$fps"/>\n'
        '  <VideoRectangle name="box" toName="video"/>\n'
        f'  <Labels name="label" toName="video">\n{labels}\n  </Labels>\n</View>\n',
        encoding="utf-8",
    )


def _fill(sets: Sequence[CameraSet], path: Path) -> None:
    with path.open("w", encoding="utf-8") as out:
        out.write("[")
        for k, one in enumerate(sets):
            out.write((",\n" if k else "\n") + _task(one, k + 1)[:-1])
            mark = ""
            for result in map(partial(_result, one), _tracks(one)):
                head = f', "annotations": [{{"id": {k + 1}, "was_cancelled": false, "result": [\n'
                out.write((mark or head) + result)
                mark = ",\n"
            out.write("]}]" if mark else ', "annotations": []')
            out.write(', "predictions": []}')
        out.write("\n]\n")


def _task(one: CameraSet, number: int) -> str:
    width, height = _size_px(one)
    data = {
        "video": f"{SERVED}{_video(one)}",
        "fps": _rate_hz(one.timestamps_ns),
        "log_id": one.labelled.log_id,
        "camera": one.camera,
        "width": width,
        "height": height,
    }
    return json.dumps({"id": number, "data": data}, ensure_ascii=False)


def _size_px(one: CameraSet) -> tuple[int, int]:
    """Return the size of the video: an odd row or column is left out there."""
    return max(one.width_px // 2 * 2, 1), max(one.height_px // 2 * 2, 1)


def _tracks(one: CameraSet) -> list[Ints]:
    """Return the rows of each track, in order of images; of two on one image the first."""
    tracks = np.unique(one.labels.track_ids.astype(str), return_inverse=True)[1]
    order = np.lexsort((np.arange(len(tracks)), one.labels.images, tracks))
    images, sorted_tracks = one.labels.images[order], tracks[order]
    again = (np.diff(sorted_tracks) == 0) & (np.diff(images) == 0)
    order = order[np.append(True, ~again)[: len(order)]]
    cuts = np.flatnonzero(np.diff(tracks[order])) + 1
    return [rows for rows in np.split(order, cuts) if len(rows)]


def _result(one: CameraSet, rows: Ints) -> str:
    labels, n = one.labels[rows], len(one.timestamps_ns)
    width, height = _size_px(one)
    rate_hz = _rate_hz(one.timestamps_ns)
    edges = labels.boxes_px / [width, height, width, height] * 100
    places = np.column_stack([edges[:, :2], edges[:, 2:] - edges[:, :2]]).tolist()
    numbers = labels.images.tolist()
    # A track goes on after a label, unless that says it does not.
    goes_on = [*(np.diff(labels.images) == 1).tolist(), numbers[-1] == n - 1]
    columns = (
        numbers, places, goes_on, labels.is_key.tolist(), labels.sources.tolist(),
        labels.scores.tolist(),
    )  # fmt: skip
    sequence = []
    for at, place, on, is_key, source, score in zip(*columns, strict=True):
        item = {
            "frame": at + 1,
            "time": (at + 1) / rate_hz,
            "enabled": on,
            "rotation": 0,
            **dict(zip(SIDES, place, strict=True)),
            "source": source,
        }
        if not is_key:
            item |= {"worked_out": place, "score": score}
        sequence.append(item)
    track = str(labels.track_ids[0])
    told = {
        "id": uuid.uuid5(uuid.NAMESPACE_URL, f"perception-label/{one.name}/{track}").hex[:10],
        "from_name": "box",
        "to_name": "video",
        "type": "videorectangle",
        "origin": "manual",
        "meta": {"track_id": track},
        "value": {
            "framesCount": n,
            "duration": n / rate_hz,
            "labels": [str(labels.class_names[0])],
            "sequence": sequence,
        },
    }
    return json.dumps(told, ensure_ascii=False, allow_nan=False)
