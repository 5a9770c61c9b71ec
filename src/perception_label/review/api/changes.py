"""What others changed: a long poll."""

from perception_label.review.api.routes import blueprint, desk_of
from perception_label.review.payloads import Change, Changes, ChangesQuery, LogPath
from perception_label.storage.edits.edit import Row, other_track

routes = blueprint("changes", "Edits of others, as they come.")


@routes.get("/logs/<log_id>/changes", responses={200: Changes})
def changes(path: LogPath, query: ChangesQuery) -> dict[str, object]:
    """Return the edits after a revision; waits for the first one if there is none yet."""
    desk = desk_of(path.log_id)
    head = desk.news.after(query.since, query.wait_s)
    rows = desk.edits.history(after=query.since) if head > query.since else []
    return Changes(
        revision=max(head, *(row.revision for row in rows), 0) if rows else head,
        changes=[_change(row) for row in rows],
    ).model_dump()


def _change(row: Row) -> Change:
    edit = row.edit
    return Change(
        revision=row.revision,
        kind=edit.kind,
        track_id=edit.track_id,
        other_id=other_track(edit),
        author=edit.author,
        source=edit.source,
    )
