"""What was done so far, and what it cost."""

from flask import Response, jsonify

from perception_label.review.answers import Cost, History
from perception_label.review.api.routes import blueprint, desk_of
from perception_label.review.desk import Desk
from perception_label.review.meter import Meter
from perception_label.review.payloads import HistoryQuery, LogPath
from perception_label.storage.edits.edit import HUMAN, Row

routes = blueprint("history", "Edits so far, and people's time in them.")


@routes.get("/logs/<log_id>/history", responses={200: History})
def history(path: LogPath, query: HistoryQuery) -> Response:
    """Return edits, the newest first; `is_undone` are those that an undo took back."""
    desk = desk_of(path.log_id)
    rows = desk.edits.history(query.track_id)
    gone: set[str] = set()
    for row in reversed(rows):
        if row.edit.kind == "undo" and row.edit.edit_id not in gone:
            gone.add(row.edit.after["edit_id"])
    return jsonify(edits=[_plain(desk, row, gone) for row in reversed(rows[-query.limit :])])


@routes.get("/logs/<log_id>/cost", responses={200: Cost})
def cost(path: LogPath) -> Response:
    """Return what the labels cost so far: measured active seconds, boxes per keyframe."""
    return jsonify(meter_of(desk_of(path.log_id)).as_dict())


def meter_of(desk: Desk) -> Meter:
    """Return what people's work on a log was so far."""
    state = desk.edits.state()
    keyed = {n: t for n, t in state.live().items() if HUMAN in t.key_sources}
    shown = [desk.shown_last(name, state) for name in keyed]
    return desk.meter(
        sum(track.key_sources.count(HUMAN) for track in keyed.values()),
        sum(len(each.cuboids) for each in shown if each is not None),
    )


def _plain(desk: Desk, row: Row, gone: set[str]) -> dict[str, object]:
    edit = row.edit
    at = edit.timestamp_ns
    times = desk.log.timestamps_ns
    return {
        "revision": row.revision,
        "edit_id": edit.edit_id,
        "kind": edit.kind,
        "track_id": edit.track_id,
        "author": edit.author,
        "source": edit.source,
        "server_time_ns": str(row.server_time_ns),
        "active_s": edit.active_s,
        "sweep": None if at is None else int(times.searchsorted(at)),
        "text": _said(edit.kind, dict(edit.after)),
        "is_undone": edit.edit_id in gone,
    }


def _said(kind: str, after: dict[str, object]) -> str:
    """Return the part of an edit that people want to read."""
    names = {
        "comment": ("text",),
        "set_class": ("class_name",),
        "create_track": ("class_name",),
        "set_attribute": ("name", "value"),
        "verdict": ("verdict", "reason"),
        "merge": ("other_id",),
        "split": ("new_id",),
    }.get(kind, ())
    return " ".join(str(after.get(name, "")) for name in names).strip()
