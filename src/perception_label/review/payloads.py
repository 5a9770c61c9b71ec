"""What travels between the browser and the server, and back.

Times are decimal strings of nanoseconds: JavaScript's numbers cannot hold them. Places are in the
log's world frame, metres; headings in radians.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Ns = Annotated[str, StringConstraints(pattern=r"^-?[0-9]{1,19}$")]
Id = Annotated[str, StringConstraints(min_length=1, max_length=200)]

MOST_OPS = 500  # of one request


class LogPath(BaseModel):
    """Which log."""

    log_id: Id


class SweepPath(LogPath):
    """Which sweep of which log."""

    sweep: int = Field(ge=0)


class ImagePath(LogPath):
    """Which image of which camera."""

    camera: Id
    image: int = Field(ge=0)


class ImageQuery(BaseModel):
    """How large a picture is wanted."""

    width_px: int | None = Field(default=None, ge=16, le=8192)


class CameraPath(LogPath):
    """Which camera."""

    camera: Id


class ImageLabelsQuery(BaseModel):
    """Which 2-D labels: of which images, of one track or all; `last` None: to the end."""

    first: int = Field(default=0, ge=0)
    last: int | None = Field(default=None, ge=0)
    track_id: Id | None = None
    with_shapes: bool = Field(default=True, description="False: only where and how sure.")


class ImageLabel(BaseModel):
    """A label of a track on one image; a shape as in an edit's `after`, in pixels.

    `is_stale`: worked out before its track's last edit.
    """

    image: int
    track_id: str
    class_name: str
    geometry: str
    shape: dict[str, Any] | None
    is_key: bool
    visible: bool
    expected_iou: float | None
    source: str
    is_stale: bool


class ImageLabels(BaseModel):
    """The labels on images `first` to `last` at a revision."""

    revision: int
    first: int
    last: int
    labels: list[ImageLabel]


class TracksQuery(BaseModel):
    """Which tracks: all, those named, or those edited after a revision."""

    track_id: list[Id] | None = Field(default=None, description="Only these.")
    since: int | None = Field(default=None, ge=0, description="Only those edited after it.")


class ChangesQuery(BaseModel):
    """A long poll for edits."""

    since: int = Field(default=0, ge=0, description="The last revision known.")
    wait_s: float = Field(default=20.0, ge=0.0, le=30.0, description="Longest wait for news.")


class QueueQuery(BaseModel):
    """Which items of the review queue."""

    limit: int = Field(default=500, ge=0, le=100_000)
    kind: str | None = None
    wait_s: float = Field(
        default=25.0, ge=0.0, le=60.0, description="Longest wait for one of the newest edits."
    )


class JobPath(LogPath):
    """Which job."""

    job_id: Id


class JobAsk(BaseModel):
    """A job that is wanted: `propagate` for one track; for the log see `review.jobs.KINDS`."""

    model_config = ConfigDict(extra="forbid")

    kind: Id
    track_id: Annotated[str, StringConstraints(max_length=200)] = ""


class HistoryQuery(BaseModel):
    """Which edits: those of a track, or the newest of the log."""

    track_id: Id | None = None
    limit: int = Field(default=200, ge=1, le=10_000)


class GroundQuery(BaseModel):
    """A place, world frame."""

    x_m: float
    y_m: float


class Click(BaseModel):
    """A click on an object; the client names the track, so that sending again is safe."""

    model_config = ConfigDict(extra="forbid")

    track_id: Id
    sweep: int = Field(ge=0)
    point_m: list[float] = Field(min_length=3, max_length=3, description="World frame.")
    class_name: Id | None = None


class Rectangle(BaseModel):
    """A rectangle on the ground, world frame; the client names the track, as in `Click`."""

    model_config = ConfigDict(extra="forbid")

    track_id: Id
    sweep: int = Field(ge=0)
    center_m: list[float] = Field(min_length=2, max_length=2)
    size_m: list[Annotated[float, Field(gt=0, le=100)]] = Field(
        min_length=2, max_length=2, description="Length and width."
    )
    yaw_rad: float = 0.0
    class_name: Id | None = None


class Op(BaseModel):
    """One edit that a client asks for; see `docs/edits.md` for the kinds and their `after`."""

    model_config = ConfigDict(extra="forbid")

    edit_id: Id
    kind: Id
    track_id: Annotated[str, StringConstraints(max_length=200)] = ""
    timestamp_ns: Ns | None = None
    after: dict[str, Any] = Field(default_factory=dict, description="Times as strings.")
    base_revision: int | None = Field(default=None, ge=0)
    active_s: float = Field(default=0.0, ge=0.0)
    client_time_ns: Ns | None = None


class Edits(BaseModel):
    """Edits in order."""

    model_config = ConfigDict(extra="forbid")

    ops: list[Op] = Field(max_length=MOST_OPS)


class Result(BaseModel):
    """What became of an op.

    `status`: `appended`, `duplicate`, `conflict` (the track was edited since `base_revision`),
    `invalid` (it cannot be; `error` says why) or `denied`.
    """

    edit_id: str
    status: str
    revision: int | None = None
    error: str | None = None
    warnings: list[str] = Field(default_factory=list)


class Results(BaseModel):
    """One result per op, and the log's revision now."""

    revision: int
    results: list[Result]


class Key(BaseModel):
    """A keyframe; `size_m` is its own, or None."""

    timestamp_ns: Ns
    source: str
    pose: list[float] = Field(description="x, y, z, yaw")
    size_m: list[float] | None


class Track(BaseModel):
    """A track as it is shown; `poses` has x, y, z, yaw of each of its sweeps, flat."""

    track_id: str
    class_name: str
    source: str
    revision: int
    score: float | None
    size_m: list[float] | None
    sweeps: list[int]
    poses: list[float]
    expected_iou: list[float | None]
    sources: list[str] = Field(description="The kinds of source that its boxes have.")
    box_sources: list[int] = Field(description="Of each box, its place in `sources`.")
    next_keyframe: int | None = Field(description="Sweep where one more keyframe helps most.")
    is_static: bool
    is_finalised: bool = False
    verdict: str | None = None
    verdict_reason: str = ""
    attributes: dict[str, Any] = Field(default_factory=dict)
    sweep_attributes: dict[str, dict[str, Any]] = Field(default_factory=dict)
    comments: list[str] = Field(default_factory=list)
    keys: list[Key] = Field(default_factory=list)
    span_ns: list[Ns] | None = None
    static_ns: list[list[Ns]] = Field(default_factory=list)
    outside_ns: list[list[Ns]] = Field(default_factory=list)


class Tracks(BaseModel):
    """Tracks as they are at a revision; `gone` were asked for and are not to be labelled."""

    revision: int
    tracks: list[Track]
    gone: list[str]


class Change(BaseModel):
    """A stored edit, as others see it."""

    revision: int
    kind: str
    track_id: str
    other_id: str | None
    author: str
    source: str


class Changes(BaseModel):
    """Edits after a revision, ascending."""

    revision: int
    changes: list[Change]


class Here(BaseModel):
    """Where an open page is."""

    model_config = ConfigDict(extra="forbid")

    client_id: Id
    track_id: Id | None = None
    sweep: int = Field(default=0, ge=0)


class Other(BaseModel):
    """Where somebody else's page is."""

    author: str
    track_id: str | None
    sweep: int


class Others(BaseModel):
    """The other pages that are open on this log."""

    others: list[Other]


class Login(BaseModel):
    """A name and a password."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    password: Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class Me(BaseModel):
    """Who asks: `role`, one of viewer to admin; `login`, the way that people log in here."""

    name: str
    role: str
    login: str


class Fault(BaseModel):
    """Why a request was not carried out."""

    error: str
