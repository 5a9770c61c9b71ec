"""`perception-label score WORKSPACE`: labels against the truth that came with a log."""

from pathlib import Path
from typing import Annotated, Any

import typer

from perception_label.cli.output import AsJson, emit


def run(
    workspace: Annotated[Path, typer.Argument(help="The workspace.")],
    log: Annotated[str | None, typer.Option(help="The log; not needed if there is one.")] = None,
    source: Annotated[
        str | None, typer.Option(help="Machine result to score; the best there is by default.")
    ] = None,
    min_points: Annotated[
        int, typer.Option(help="Truth with fewer LiDAR points costs no recall.", min=0)
    ] = 20,
    max_range: Annotated[float, typer.Option(help="Metres from the ego vehicle.", min=0)] = 60.0,
    min_score: Annotated[float, typer.Option(help="Leave out labels scored lower.")] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Compare labels with truth: recall, precision, IoU, AP, HOTA, MOTA, per class and distance."""
    from perception_label.config import Scoring
    from perception_label.pipeline.score import score
    from perception_label.pipeline.workspace import open_workspace

    settings = Scoring(max_range_m=max_range, min_points=min_points, min_score=min_score)
    found = score(open_workspace(workspace), log, source=source, settings=settings)
    result = found.as_dict()
    emit(as_json, result, describe(result))


def describe(result: dict[str, Any]) -> list[str]:
    """Return a score as lines for people: what was judged, then two tables."""
    settings = result["settings"]
    view = " in the truth's view" if result["view_rad"] else ""
    lines = [
        f"log {result['log_id']}, {result['source']}: {result['n_sweeps']} sweeps, boxes within "
        f"{settings['max_range_m']:g} m{view}, truth with {settings['min_points']} points or more",
    ]
    for name, kind in (("n_truth_left_out", "truth"), ("n_labels_left_out", "label")):
        if result[name]:
            lines.append(f"left out: {result[name]} {kind} boxes at instants that are not judged")
    if not result["classes"]:
        return [*lines, "neither truth nor labels to compare"]
    box_columns = ("truth", "labels", "recall", "precision", "AP", "IoU", "heading°", "centre m")
    box_rows = []
    for name, group in result["classes"].items():
        headline = group["criteria"][group["criterion"]]
        box_rows.append((f"{name} {group['criterion']}", *_box_cells(headline)))
        box_rows += [(f"  {b} m", *_box_cells(cells)) for b, cells in group["bands_m"].items()]
    classes = result["classes"].items()
    criteria = tuple(next(iter(result["classes"].values()))["criteria"])
    share_rows = [
        (f"{name} {kind}", *(_cell(group["criteria"][c][key]) for c in criteria))
        for name, group in classes
        for kind, key in (("recall", "recall"), ("AP", "ap"))
    ]
    track_columns = ("HOTA", "DetA", "AssA", "MOTA", "IDF1", "switches", "fragments")
    names = ("hota", "det_a", "ass_a", "mota", "idf1", "identity_switches", "fragmentations")
    track_rows = [
        (name, *(_cell(group[key]) for key in names)) for name, group in [*classes, ("all", result)]
    ]
    return [
        *lines,
        table("boxes", box_columns, box_rows),
        table("at each criterion", criteria, share_rows),
        table("tracks", track_columns, track_rows),
    ]


def _box_cells(box: dict[str, Any]) -> tuple[str, ...]:
    turn = box["heading_error_pi_rad"]
    degrees = None if turn is None else turn * 57.29577951308232
    shares = (box[key] for key in ("recall", "precision", "ap", "mean_iou"))
    counts = (str(box["n_truth"]), str(box["n_labels"]))
    return (*counts, *map(_cell, shares), _cell(degrees, 1), _cell(box["center_error_m"], 2))


def _cell(value: float | None, digits: int = 3) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.{digits}f}"


def table(title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return rows as a table of at most 100 characters a line, numbers to the right."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title, box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console = Console(width=100, color_system=None)
    with console.capture() as capture:
        console.print(table)
    return capture.get().rstrip()
