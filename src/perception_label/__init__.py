"""Label one keyframe of a recorded drive and get the label over the whole log."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from perception_label.errors import LabelError

if TYPE_CHECKING:
    from perception_label.cloud.clusters import cluster
    from perception_label.cloud.ground import split_ground
    from perception_label.geometry.cuboids import Cuboids
    from perception_label.geometry.inside import points_inside
    from perception_label.geometry.interpolate import interpolate
    from perception_label.geometry.overlap import overlap_3d, overlap_bev
    from perception_label.pipeline.click import track_from_click
    from perception_label.pipeline.frustum import cuboid_from_box, track_from_box
    from perception_label.pipeline.project import project_tracks
    from perception_label.pipeline.queue import review_queue
    from perception_label.pipeline.solve_track import SolvedTrack, solve_track
    from perception_label.pipeline.workspace import Workspace, open_workspace
    from perception_label.proposals.fit import fit_cuboids
    from perception_label.tracking.association import track_cuboids
    from perception_label.video.flow import dense_flow
    from perception_label.video.follow import follow_points
    from perception_label.video.images import open_images
    from perception_label.video.propagate_boxes import propagate_boxes, propagate_tracks
    from perception_label.video.propagate_masks import propagate_masks

__version__ = "0.1.0"

# Imported on first use: some of these compile kernels or load large libraries, and the
# command line needs none of them to print its help.
_LAZY = {
    "Cuboids": "perception_label.geometry.cuboids",
    "cluster": "perception_label.cloud.clusters",
    "SolvedTrack": "perception_label.pipeline.solve_track",
    "solve_track": "perception_label.pipeline.solve_track",
    "Workspace": "perception_label.pipeline.workspace",
    "open_workspace": "perception_label.pipeline.workspace",
    "dense_flow": "perception_label.video.flow",
    "fit_cuboids": "perception_label.proposals.fit",
    "follow_points": "perception_label.video.follow",
    "open_images": "perception_label.video.images",
    "interpolate": "perception_label.geometry.interpolate",
    "overlap_3d": "perception_label.geometry.overlap",
    "overlap_bev": "perception_label.geometry.overlap",
    "propagate_boxes": "perception_label.video.propagate_boxes",
    "propagate_tracks": "perception_label.video.propagate_boxes",
    "points_inside": "perception_label.geometry.inside",
    "propagate_masks": "perception_label.video.propagate_masks",
    "project_tracks": "perception_label.pipeline.project",
    "cuboid_from_box": "perception_label.pipeline.frustum",
    "track_from_box": "perception_label.pipeline.frustum",
    "review_queue": "perception_label.pipeline.queue",
    "split_ground": "perception_label.cloud.ground",
    "track_from_click": "perception_label.pipeline.click",
    "track_cuboids": "perception_label.tracking.association",
}

__all__ = [
    "Cuboids",
    "LabelError",
    "SolvedTrack",
    "Workspace",
    "__version__",
    "cluster",
    "cuboid_from_box",
    "dense_flow",
    "fit_cuboids",
    "follow_points",
    "interpolate",
    "open_images",
    "open_workspace",
    "overlap_3d",
    "overlap_bev",
    "points_inside",
    "project_tracks",
    "propagate_boxes",
    "propagate_masks",
    "propagate_tracks",
    "review_queue",
    "solve_track",
    "split_ground",
    "track_cuboids",
    "track_from_box",
    "track_from_click",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'perception_label' has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
