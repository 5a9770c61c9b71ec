"""The review queue."""

from flask import Response, jsonify

from perception_label.pipeline.queue import review_queue
from perception_label.review.api.routes import blueprint, desk_of
from perception_label.review.payloads import LogPath, QueueQuery

routes = blueprint("queue", "What still needs a person, the most urgent first.")


@routes.get("/logs/<log_id>/queue")
def queue(path: LogPath, query: QueueQuery) -> Response:
    """Rank everything that a person should look at."""
    desk = desk_of(path.log_id)
    state = desk.edits.state()
    found = review_queue(desk.log, state=state)
    chosen = found.items if query.kind is None else found.of_kind(query.kind)
    items = []
    for item in chosen[: query.limit]:
        plain = item.as_dict()
        plain |= {name: str(plain[name]) for name in ("first_ns", "last_ns", "at_ns")}
        items.append(plain | {"sweep": desk.sweep_of(item.at_ns)})
    return jsonify(
        revision=state.revision, n_items=len(chosen), items=items, notes=list(found.notes)
    )
