"""`perception-label cost WORKSPACE`: what labelling a log costs, measured by a simulated person."""

from pathlib import Path
from typing import Annotated, Any

import typer

from perception_label.cli.output import AsJson, emit, note


def run(
    workspace: Annotated[Path, typer.Argument(help="The workspace.")],
    log: Annotated[str | None, typer.Option(help="The log; not needed if there is one.")] = None,
    exact: Annotated[bool, typer.Option("--exact", help="A hand that never misses.")] = False,
    max_range: Annotated[
        float, typer.Option(help="Metres from the sensor within which boxes are wanted.", min=0)
    ] = 75.0,
    min_points: Annotated[int, typer.Option(help="Points in a box that is wanted.", min=1)] = 5,
    seconds: Annotated[
        Path | None, typer.Option(help="A TOML file with your own action seconds.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the hand's noise.", min=0)] = 0,
    figure: Annotated[
        Path | None, typer.Option(help="Write cost against quality here, as SVG.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Label a log four ways with a simulated annotator and report what each costs."""
    from perception_label.pipeline.workspace import open_workspace
    from perception_label.simulate.effort.actions import load_seconds
    from perception_label.simulate.effort.cost import cost
    from perception_label.simulate.effort.figure import draw_cost
    from perception_label.simulate.effort.hand import Noise
    from perception_label.storage.whole import write_text

    report = cost(
        open_workspace(workspace),
        log,
        noise=Noise(0.0, 0.0) if exact else Noise(),
        seconds=load_seconds(seconds),
        seed=seed,
        min_points=min_points,
        max_range_m=max_range,
        on_step=lambda name: note(f"{name} ..."),
    )
    if figure is not None:
        write_text(figure, draw_cost(report))
    result = report.as_dict()
    emit(as_json, result, describe(result))


def describe(result: dict[str, Any]) -> list[str]:
    """Return a cost report as lines for people: what was labelled, then three tables."""
    from perception_label.cli.score import table

    ways = result["strategies"]
    lines = [
        f"log {result['log_id']}: {result['n_tracks']} tracks, {result['n_boxes']} boxes with "
        f"{result['min_points']} points or more within {result['max_range_m']:g} m, "
        f"{result['sensor_s']:.1f} s",
        *(f"{name}: {way['title']}" for name, way in ways.items()),
    ]
    keys = sorted({key for way in ways.values() for key in way["counts"]})
    counts = [(key, *(str(way["counts"].get(key, 0)) for way in ways.values())) for key in keys]
    return [
        *lines,
        table("actions", ("", *ways), counts),
        table("cost, pauses included", ("", *ways), _cost_rows(ways)),
        table("final labels", ("", *ways), _quality_rows(ways)),
        *_over_time(result["seconds_per_track_over_time"]),
        *(
            f"{name} costs {times:.1f} times ours at ours' quality"
            for name, times in result["times_cheaper_at_equal_quality"].items()
        ),
    ]


def _over_time(rows: list[list[float]]) -> list[str]:
    if not rows:
        return []
    steps = ", ".join(f"{seconds:.1f} up to {n:.0f}" for n, seconds in rows)
    return [f"ours, seconds per accepted track as the work goes on: {steps}"]


def _cost_rows(ways: dict[str, Any]) -> list[tuple[str, ...]]:
    rows = []
    for key, title in (
        ("seconds_per_track", "seconds per track"),
        ("hours_per_sensor_hour", "hours per sensor-hour"),
        ("hours_per_w_hour", "hours per W-hour"),
    ):
        for level in ("low", "nominal", "high"):
            values = (way[key][level] for way in ways.values())
            rows.append((f"{title}, {level}", *(f"{v:.1f}" for v in values)))
    keyframes = (str(way["n_keyframes"]) for way in ways.values())
    spans = (way["boxes_per_keyframe"] for way in ways.values())
    per = ("-" if each is None else f"{each:.1f}" for each in spans)
    return [*rows, ("human keyframes", *keyframes), ("boxes per keyframe", *per)]


def _quality_rows(ways: dict[str, Any]) -> list[tuple[str, ...]]:
    rows = []
    for key, title in (
        ("recall", "truth labelled"),
        ("precision", "labels on truth"),
        ("passing", "labels passing"),
        ("passing_recall", "truth passing"),
        ("mean_iou", "mean 3-D IoU"),
        ("right_class", "class right"),
    ):
        values = (way["quality"][key] for way in ways.values())
        rows.append((title, *("-" if v is None else f"{v:.3f}" for v in values)))
    switches = (str(way["quality"]["identity_switches"]) for way in ways.values())
    return [*rows, ("identity switches", *switches)]
