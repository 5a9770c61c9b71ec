"""The tracks of a log as they are now."""

import json

from flask import Response

from perception_label.review.api.routes import blueprint, desk_of
from perception_label.review.payloads import LogPath, Tracks, TracksQuery

routes = blueprint("tracks", "Tracks as people, machines and the solver left them.")


@routes.get("/logs/<log_id>/tracks", responses={200: Tracks})
def tracks(path: LogPath, query: TracksQuery) -> Response:
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
            found.append(desk.told.json_of(shown))
    # As `Tracks` would be: most of it was written out before.
    told = f'{{"revision":{state.revision},"tracks":[{",".join(found)}],"gone":{json.dumps(gone)}}}'
    return Response(told, mimetype="application/json")
