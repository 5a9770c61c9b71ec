"""What routes answer where that is not built of `payloads`: for the OpenAPI document."""

from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field

from perception_label.review.payloads import Ns

BINARY = {"type": "string", "format": "binary"}
UNCHANGED: dict[str, Any] = {"description": "What the browser has is still right."}


def binary(*types: str) -> dict[str | int | HTTPStatus, type[BaseModel] | dict[Any, Any] | None]:
    """Return the responses of a route that answers bytes of these media types."""
    content = {name: {"schema": BINARY} for name in types}
    return {"200": {"description": "OK", "content": content}, "304": dict(UNCHANGED)}


class Health(BaseModel):
    """The server is there."""

    status: str


class Ready(Health):
    """The workspace can be read, and has these logs."""

    logs: list[str]


class LogName(BaseModel):
    """A log."""

    log_id: str


class Logs(BaseModel):
    """The logs of the workspace."""

    logs: list[LogName]


class Scene(BaseModel):
    """What does not change of a log; matrices are rows one after the other."""

    log_id: str
    fingerprint: str
    n_sweeps: int
    timestamps_ns: list[Ns]
    n_points: list[int]
    world_from_sensor: list[list[float]] | None
    ego_from_lidar: list[float]
    channels: list[str]
    cameras: dict[str, Any]
    ontology: dict[str, Any]


class Made(BaseModel):
    """The track that a click or a rectangle made."""

    track_id: str
    class_name: str


class Ground(BaseModel):
    """Height of the ground, world frame, metres."""

    z_m: float | None


class QueueItems(BaseModel):
    """The review queue, the most urgent item first."""

    revision: int
    n_items: int
    items: list[dict[str, Any]]
    notes: list[str]
    is_ready: bool
    is_stale: bool


class Past(BaseModel):
    """An edit that was made."""

    revision: int
    edit_id: str
    kind: str
    track_id: str
    author: str
    source: str
    server_time_ns: Ns
    active_s: float
    sweep: int | None
    text: str
    is_undone: bool


class History(BaseModel):
    """Edits, the newest first."""

    edits: list[Past]


class Cost(BaseModel):
    """What the labels cost so far."""

    active_s: float
    sensor_s: float
    n_keyframes: int
    n_boxes: int
    n_tracks_done: int
    actions: dict[str, list[float]] = Field(description="By kind: how many, active seconds.")
    pause_factor: float
    annotator_hours_per_sensor_hour: float | None
    boxes_per_keyframe: float | None


class JobNow(BaseModel):
    """A job, and how far it is: `done` of `of`."""

    job_id: str
    log_id: str
    kind: str
    track_id: str
    status: str
    done: int
    of: int
    message: str


class JobsNow(BaseModel):
    """The jobs of a log, the newest first."""

    jobs: list[JobNow]
