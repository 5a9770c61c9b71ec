"""What a log holds, told once when it is opened."""

from dataclasses import asdict
from math import isfinite
from typing import Any

import numpy as np
from flask import Response, jsonify

from perception_label.geometry.poses import interpolate_poses
from perception_label.review.answers import Logs, Scene
from perception_label.review.api.routes import blueprint, desk_of, workspace
from perception_label.review.payloads import LogPath
from perception_label.storage.logs import Log

routes = blueprint("scene", "Logs, their sweeps, cameras and ontology.")


@routes.get("/logs", responses={200: Logs})
def logs() -> Response:
    """Return the logs of the workspace."""
    return jsonify(logs=[{"log_id": name} for name in workspace().logs()])


@routes.get("/logs/<log_id>/scene", responses={200: Scene})
def scene(path: LogPath) -> Response:
    """Return all of a log that does not change: times, poses, cameras, ontology.

    Matrices are rows one after the other.
    """
    desk = desk_of(path.log_id)
    log, ontology = desk.log, desk.edits.ontology
    poses = log.world_from_sensor
    return jsonify(
        log_id=log.id,
        fingerprint=log.info.fingerprint,
        n_sweeps=len(log.sweeps),
        timestamps_ns=[str(t) for t in log.timestamps_ns.tolist()],
        n_points=log.n_points.tolist(),
        world_from_sensor=None if poses is None else np.round(poses, 6).reshape(-1, 16).tolist(),
        ego_from_lidar=log.info.ego_from_lidar.ravel().tolist(),
        channels=list(log.info.channels),
        cameras={name: _camera(desk.log, name) for name in sorted(log.cameras)},
        ontology={
            "version": ontology.version,
            "geometry": list(ontology.geometry),
            "classes": {name: asdict(rule) for name, rule in ontology.classes.items()},
            "attributes": {name: asdict(rule) for name, rule in ontology.attributes.items()},
        },
    )


def _camera(log: Log, name: str) -> dict[str, Any]:
    """Return a camera's calibration, and when and from where each of its images was taken."""
    camera = log.cameras[name]
    times = log.image_timestamps_ns.get(name, np.empty(0, dtype=np.int64))
    lens = [value if isfinite(value) else None for value in camera.lens().tolist()]
    placed = None
    if log.ego_poses is not None and len(times):
        # Images before the first pose or after the last stand where the vehicle stood then.
        ego = interpolate_poses(log.ego_poses, times, outside="hold")
        placed = np.round(ego @ camera.ego_from_camera, 6).reshape(-1, 16).tolist()
    return {
        "width_px": camera.width_px,
        "height_px": camera.height_px,
        "lens": lens,
        "image_timestamps_ns": [str(t) for t in times.tolist()],
        "world_from_camera": placed,
    }
