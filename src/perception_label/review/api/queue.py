"""The review queue."""

from flask import Response, jsonify

from perception_label.pipeline.solve_images import NAME as ON_IMAGES
from perception_label.review.answers import QueueItems
from perception_label.review.api.routes import blueprint, desk_of
from perception_label.review.payloads import LogPath, QueueQuery
from perception_label.storage.logs import DENSE

NOTHING = "nothing was proposed yet: run the job `propose`, or click on what you see"

routes = blueprint("queue", "What still needs a person, the most urgent first.")


@routes.get("/logs/<log_id>/queue", responses={200: QueueItems})
def queue(path: LogPath, query: QueueQuery) -> Response:
    """Rank everything that a person should look at.

    Waits `wait_s` for a queue of the newest edits, then answers with the one there is:
    `is_stale` says that a newer one is being made, `is_ready` is false as long as there is none.
    """
    desk = desk_of(path.log_id)
    if not {*DENSE, ON_IMAGES} & set(desk.log.machine_names()):
        # Nothing is wrong: the person may propose from the page, or label by clicks alone.
        return jsonify(
            revision=desk.edits.revision, n_items=0, items=[], notes=[NOTHING], is_ready=True,
            is_stale=False,
        )  # fmt: skip
    found = desk.queue.now(query.wait_s)
    chosen = [i for i in found.items if query.kind is None or i.kind == query.kind]
    items = []
    for item in chosen[: query.limit]:
        plain = item.as_dict()
        plain |= {name: str(plain[name]) for name in ("first_ns", "last_ns", "at_ns")}
        items.append(plain | {"sweep": desk.sweep_of(item.at_ns)})
    return jsonify(
        revision=found.revision,
        n_items=len(chosen),
        items=items,
        notes=list(found.notes),
        is_ready=found.is_ready,
        is_stale=found.is_stale,
    )
