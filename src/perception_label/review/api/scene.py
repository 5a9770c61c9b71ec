"""What a log holds, told once when it is opened."""

from dataclasses import asdict
from typing import Any

import numpy as np
from flask import Response, jsonify

from perception_label.review.api.routes import blueprint, desk_of, workspace
from perception_label.review.payloads import LogPath

routes = blueprint("scene", "Logs, their sweeps, cameras and ontology.")


@routes.get("/logs")
def logs() -> Response:
    """Return the logs of the workspace."""
    return jsonify(logs=[{"log_id": name} for name in workspace().logs()])


@routes.get("/logs/<log_id>/scene")
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


def _camera(log: Any, name: str) -> dict[str, Any]:
    camera = log.cameras[name]
    plain = asdict(camera)
    plain["ego_from_camera"] = np.asarray(camera.ego_from_camera).ravel().tolist()
    images = log.images.get(name)
    times = [] if images is None else images.timestamps_ns.tolist()
    plain["image_timestamps_ns"] = [str(t) for t in times]
    return plain
