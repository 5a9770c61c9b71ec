"""What the engine does at a person's hint: a track from a click, the ground under a box."""

import numpy as np
from flask import Response, jsonify

from perception_label.errors import EditError, SettingError
from perception_label.geometry.labels import Labels
from perception_label.pipeline.adopt import adoption
from perception_label.pipeline.click import track_from_click
from perception_label.pipeline.evidence import evidence_of
from perception_label.pipeline.rectangle import track_from_rectangle
from perception_label.pipeline.solve_track import SolvedTrack
from perception_label.review.answers import Ground, Made
from perception_label.review.api.routes import blueprint, desk_of
from perception_label.review.desk import Desk
from perception_label.review.payloads import Click, GroundQuery, LogPath, Rectangle

routes = blueprint("assist", "What the engine does at a person's hint.")

CLICKED = "model:click"
GROUND_REACH_M = 2.5  # of a place: the ground that a plane is fitted to


@routes.post("/logs/<log_id>/clicks", responses={200: Made})
def click(path: LogPath, body: Click) -> Response:
    """Make a track from a click on a point; it is stored when this answers.

    Sent again with the same `track_id`, it changes nothing.
    """
    desk = desk_of(path.log_id)
    known = desk.edits.state().tracks.get(body.track_id)
    if known is not None:
        return jsonify(track_id=known.track_id, class_name=known.class_name)
    _check(desk, body.sweep)
    solved = track_from_click(desk.log, body.sweep, body.point_m, class_name=body.class_name)
    return _stored(desk, body.track_id, solved)


@routes.post("/logs/<log_id>/rectangles", responses={200: Made})
def rectangle(path: LogPath, body: Rectangle) -> Response:
    """Make a track of what is in a rectangle on the ground; it is stored when this answers.

    Sent again with the same `track_id`, it changes nothing.
    """
    desk = desk_of(path.log_id)
    known = desk.edits.state().tracks.get(body.track_id)
    if known is not None:
        return jsonify(track_id=known.track_id, class_name=known.class_name)
    _check(desk, body.sweep)
    solved = track_from_rectangle(
        desk.log, body.sweep, body.center_m, body.size_m, body.yaw_rad, class_name=body.class_name
    )
    return _stored(desk, body.track_id, solved)


def _check(desk: Desk, sweep: int) -> None:
    if sweep >= len(desk.log.sweeps):
        last = len(desk.log.sweeps) - 1
        raise SettingError(f"log {desk.log.id}: expected a sweep from 0 to {last}, got {sweep}")


def _stored(desk: Desk, track_id: str, solved: SolvedTrack) -> Response:
    n = len(solved.timestamps_ns)
    if n == 0:
        raise EditError(f"log {desk.log.id}: expected an object there, got no points of it")
    boxes = Labels.from_columns(
        solved.timestamps_ns,
        np.full(n, track_id),
        np.full(n, solved.class_name),
        solved.cuboids,
        expected_iou=solved.expected_iou,
    )
    # What stands still has one pose; a mover's are all told.
    desk.edits.append(adoption(track_id, boxes, CLICKED, every=n if solved.is_static else 1))
    return jsonify(track_id=track_id, class_name=solved.class_name)


@routes.get("/logs/<log_id>/ground", responses={200: Ground})
def ground(path: LogPath, query: GroundQuery) -> Response:
    """Return the height of the ground at a place, world frame, metres; null where unknown."""
    evidence = evidence_of(desk_of(path.log_id).log)
    views = evidence.views(evidence.timestamps_ns[:1])
    place = np.array([[query.x_m, query.y_m]]) - evidence.origin_m[:2]
    height = float(views.ground(place, GROUND_REACH_M)[0] + evidence.origin_m[2])
    return jsonify(z_m=height if np.isfinite(height) else None)
