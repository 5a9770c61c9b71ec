"""Who is at which track: pages say it every few seconds, and hear of the others."""

from perception_label.review.api.routes import blueprint, desk_of, me
from perception_label.review.leases import Lease
from perception_label.review.payloads import Here, LogPath, Other, Others

routes = blueprint("leases", "Who is where; a lease never stops anybody's edit.")


@routes.post("/logs/<log_id>/leases", responses={200: Others})
def lease(path: LogPath, body: Here) -> dict[str, object]:
    """Say which track and sweep this page is at; return where the other pages are."""
    mine = Lease(body.client_id, me().name, body.track_id, body.sweep)
    found = desk_of(path.log_id).leases.renew(mine)
    others = [Other(author=o.author, track_id=o.track_id, sweep=o.sweep) for o in found]
    return Others(others=others).model_dump()
