"""The tracks of a log as they are now."""

from perception_label.review.api.routes import blueprint, desk_of
from perception_label.review.payloads import LogPath, Tracks, TracksQuery
from perception_label.review.wire import track_of

routes = blueprint("tracks", "Tracks as people, machines and the solver left them.")


@routes.get("/logs/<log_id>/tracks", responses={200: Tracks})
def tracks(path: LogPath, query: TracksQuery) -> dict[str, object]:
    """Return tracks with their boxes; an edited one is solved first."""
    desk = desk_of(path.log_id)
    state = desk.edits.state()
    ids = query.track_id
    if ids is None:
        ids = desk.track_ids(state)
        if query.since is not None:
            # Who asks what is new also wants to know what is gone.
            ids = [n for n, track in state.tracks.items() if track.revision > query.since]
    found, gone = [], []
    for track_id in dict.fromkeys(ids):
        shown = desk.shown(track_id, state)
        if shown is None:
            gone.append(track_id)
        else:
            found.append(track_of(shown, desk.log.timestamps_ns))
    return Tracks(revision=state.revision, tracks=found, gone=gone).model_dump()
