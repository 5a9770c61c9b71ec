"""A score as plain values: what `--json` prints and a table shows."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import reduce
from operator import add
from typing import Any

from perception_label.quality.metrics import AP_AT, HEADLINE, GroupScore
from perception_label.quality.metrics_detection import BoxScore
from perception_label.quality.metrics_tracking import TrackScore


def summarise(groups: Mapping[str, GroupScore]) -> dict[str, Any]:
    """Return the figures over all groups, then those of each under `classes`.

    Recall, precision and mean IoU pool the boxes of all groups, each group at its own
    headline criterion; HOTA, MOTA and identity switches pool their tracks; AP is the mean
    over the groups that have truth. A figure nothing could be measured for is None.
    """
    heads = [group.boxes[HEADLINE[name]] for name, group in groups.items()]
    n_truth, n_labels, n_matched = (
        sum(getattr(head, name) for head in heads) for name in ("n_truth", "n_labels", "n_matched")
    )
    overlaps = [h.mean_iou * h.n_matched for h in heads if h.mean_iou is not None]
    aps = [group.boxes[AP_AT[name]].ap for name, group in groups.items()]
    known = [ap for ap in aps if ap is not None]
    return {
        "n_truth": n_truth,
        "n_labels": n_labels,
        "recall": n_matched / n_truth if n_truth else None,
        "precision": n_matched / n_labels if n_labels else None,
        "mean_iou": sum(overlaps) / n_matched if n_matched else None,
        "ap": sum(known) / len(known) if known else None,
        **(_tracks(reduce(add, (group.tracks for group in groups.values()))) if groups else {}),
        "classes": {name: _group(name, group) for name, group in groups.items()},
    }


def band_name(band: tuple[float, float]) -> str:
    """Return how a distance band is written: `0-20`, `>60`."""
    return f">{band[0]:g}" if band[1] == float("inf") else f"{band[0]:g}-{band[1]:g}"


def _group(name: str, group: GroupScore) -> dict[str, Any]:
    return {
        "criterion": str(HEADLINE[name]),
        **_boxes(group.boxes[HEADLINE[name]]),
        "ap": group.boxes[AP_AT[name]].ap,
        "ap_criterion": str(AP_AT[name]),
        **_tracks(group.tracks),
        "criteria": {str(criterion): _boxes(box) for criterion, box in group.boxes.items()},
        "bands_m": {band_name(band): _boxes(box) for band, box in group.bands.items()},
        "recall_by_class": {
            own: {"recall": right / total, "n_truth": total}
            for own, (right, total) in group.class_recall.items()
        },
    }


def _boxes(box: BoxScore) -> dict[str, Any]:
    return {**asdict(box), "recall": box.recall, "precision": box.precision}


def _tracks(tracks: TrackScore) -> dict[str, Any]:
    ratios = ("hota", "det_a", "ass_a", "mota", "motp", "idf1")
    counts = ("identity_switches", "fragmentations", "mostly_tracked", "mostly_lost")
    return {name: getattr(tracks, name) for name in (*ratios, *counts)}
