"""Edits in, one answer for each."""

from perception_label.errors import EditError
from perception_label.review.api.routes import blueprint, desk_of, me
from perception_label.review.desk import Desk
from perception_label.review.payloads import Edits, LogPath, Op, Result, Results
from perception_label.review.wire import edit_of

routes = blueprint("edits", "What people change. An op may be sent again: it is stored once.")


@routes.post("/logs/<log_id>/edits", responses={200: Results})
def append(path: LogPath, body: Edits) -> dict[str, object]:
    """Append edits, each on its own; what is answered `appended` is on the disk.

    Who asks is their author; an op that is not theirs to make is `denied`.
    """
    desk = desk_of(path.log_id)
    results = [_one(desk, op) for op in body.ops]
    return Results(revision=desk.edits.revision, results=results).model_dump()


def _one(desk: Desk, op: Op) -> Result:
    account = me()
    kind = op.kind if op.kind != "undo" else _undone(desk, op)
    if not account.may(kind):
        error = f"{kind}: expected another role than {account.role.name.lower()}"
        return Result(edit_id=op.edit_id, status="denied", error=error)
    try:
        outcome = desk.apply(edit_of(op, author=account.name))
    except EditError as error:
        return Result(edit_id=op.edit_id, status="invalid", error=str(error))
    return Result(
        edit_id=op.edit_id,
        status=outcome.status,
        revision=outcome.revision,
        warnings=list(outcome.warnings),
    )


def _undone(desk: Desk, op: Op) -> str:
    """Return the kind of edit that an undo takes back: it needs the same role."""
    wanted = op.after.get("edit_id")
    while True:
        row = desk.edits.find(str(wanted))
        if row is None or row.edit.kind != "undo":
            return "undo" if row is None else row.edit.kind
        wanted = row.edit.after.get("edit_id")
