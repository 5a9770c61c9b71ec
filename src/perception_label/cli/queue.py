"""`perception-label queue WORKSPACE`: what still needs a person, the most urgent first."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from perception_label.cli.output import AsJson, emit


def run(
    workspace: Annotated[Path, typer.Argument(help="The workspace.")],
    log: Annotated[str | None, typer.Option(help="The log; needed if there are several.")] = None,
    limit: Annotated[int | None, typer.Option(help="Print only this many items.", min=0)] = None,
    kind: Annotated[str | None, typer.Option(help="Print only items of this kind.")] = None,
    images: Annotated[
        bool, typer.Option("--images", help="Also compare boxes with the cameras' pictures.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Rank tracks, spans and missing objects by the boxes that are expected to be wrong."""
    from perception_label.errors import SettingError
    from perception_label.pipeline.queue import review_queue
    from perception_label.pipeline.sources import checked_strata
    from perception_label.pipeline.workspace import open_workspace
    from perception_label.quality.queue import KINDS

    if kind is not None and kind not in KINDS:
        raise SettingError(f"kind: expected one of {', '.join(KINDS)}, got {kind!r}")
    held = open_workspace(workspace)
    opened = held.log(log)
    state = held.edits(opened).state()
    queue = review_queue(opened, state=state, look_at_images=images)
    bounds = checked_strata(opened, state)
    counts = {name: len(queue.of_kind(name)) for name in KINDS}
    chosen = queue.items if kind is None else queue.of_kind(kind)
    shown = chosen[:limit]
    result = {
        "log_id": opened.id,
        "n_items": len(queue),
        "n_by_kind": counts,
        "notes": list(queue.notes),
        "strata": [asdict(bound) for bound in bounds],
        "items": [item.as_dict() for item in shown],
    }
    told = ", ".join(f"{n} {name}" for name, n in counts.items() if n)
    lines = [f"log {opened.id}: {len(queue)} items ({told or 'nothing to look at'})"]
    lines += queue.notes
    lines += [str(bound) for bound in bounds if bound.n_checked]
    start_ns = int(opened.timestamps_ns[0]) if len(opened.timestamps_ns) else 0
    for item in shown:
        lines.append(
            f"{item.rank + 1:5d}  {item.expected_error:7.1f}  {item.kind:12s} {item.track_id:8s} "
            f"{(item.at_ns - start_ns) / 1e9:6.1f} s  {item.reason}"
        )
    if len(shown) < len(chosen):
        lines.append(f"… and {len(chosen) - len(shown)} more")
    emit(as_json, result, lines)
