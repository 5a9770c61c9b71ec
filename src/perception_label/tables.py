"""Columns to Arrow tables and back: the only crossing."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from scipy.spatial.transform import Rotation

from perception_label import schema
from perception_label.errors import SchemaError, ShapeError
from perception_label.geometry.cameras import Images
from perception_label.geometry.cuboids import Cuboids, wrap
from perception_label.geometry.image_labels import ImageLabels, objects, texts
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import EgoPoses, pose
from perception_label.geometry.shapes import KINDS, Shape


def labels_to_table(labels: Labels, source: str | Sequence[str]) -> pa.Table:
    """Return dense boxes as a table with schema `schema.CUBOIDS`.

    `source` is who made them: one for all, or one for each box. At rest every yaw lies in
    [-pi, pi); one that does keeps its bits.
    """
    sources = np.full(len(labels), source) if isinstance(source, str) else np.asarray(source, str)
    if sources.shape != (len(labels),):
        raise ShapeError(f"source: expected {len(labels)} texts, got {sources.shape}")
    names, which = np.unique(sources, return_inverse=True)
    packed = labels.cuboids.packed()
    is_outside = (packed[:, 6] < -np.pi) | (packed[:, 6] >= np.pi)
    packed[is_outside, 6] = wrap(packed[is_outside, 6])
    columns = [
        pa.array(labels.timestamps_ns),
        pa.DictionaryArray.from_arrays(
            pa.array(labels.tracks), pa.array(labels.track_names, pa.string())
        ),
        pa.DictionaryArray.from_arrays(
            pa.array(labels.classes), pa.array(labels.class_names, pa.string())
        ),
        *(pa.array(np.ascontiguousarray(packed[:, k])) for k in range(7)),
        pa.array(labels.scores),
        pa.array(labels.n_points),
        pa.DictionaryArray.from_arrays(
            pa.array(which.astype(np.int16)), pa.array(names.tolist(), pa.string())
        ),
        pa.array(labels.expected_iou, from_pandas=True),  # NaN is null there
        pa.array(labels.revision),
    ]
    return pa.Table.from_arrays(columns, schema=schema.CUBOIDS)


def completed(table: pa.Table) -> pa.Table:
    """Return a table of cuboids with the columns that an older release did not write yet."""
    for name, unknown in schema.CUBOIDS_UNKNOWN.items():
        if name not in table.column_names:
            field = schema.CUBOIDS.field(name)
            values = pa.repeat(pa.scalar(unknown, field.type), len(table))
            table = table.append_column(field, values)
    return table


def labels_from_table(table: pa.Table) -> Labels:
    """Return the dense boxes of a table with the columns of `schema.CUBOIDS`."""
    table = completed(table)
    missing = [name for name in schema.CUBOIDS.names if name not in table.column_names]
    if missing:
        raise SchemaError(f"cuboids: expected columns {missing}, got {table.column_names}")
    table = table.select(schema.CUBOIDS.names).cast(schema.CUBOIDS).unify_dictionaries()
    table = table.combine_chunks()
    numbers = [table.column(k).to_numpy() for k in range(3, 12)]
    tracks, track_names = _dictionary(table.column(1), np.int32)
    classes, class_names = _dictionary(table.column(2), np.int16)
    return Labels(
        timestamps_ns=table.column(0).to_numpy(),
        tracks=tracks,
        track_names=track_names,
        classes=classes,
        class_names=class_names,
        cuboids=Cuboids.unpack(np.column_stack(numbers[:7])),
        scores=numbers[7],
        n_points=numbers[8],
        expected_iou=table.column("expected_iou").fill_null(np.nan).to_numpy(),
        revision=table.column("revision").to_numpy(),
    )


def ego_poses_to_table(ego_poses: EgoPoses) -> pa.Table:
    """Return the ego vehicle's path as a table with schema `schema.EGO_POSES`."""
    matrices = ego_poses.world_from_ego
    quaternion = Rotation.from_matrix(matrices[:, :3, :3]).as_quat(
        canonical=True, scalar_first=True
    )
    columns = [*matrices[:, :3, 3].T, *quaternion.T]
    return pa.Table.from_arrays(
        [pa.array(ego_poses.timestamps_ns), *(pa.array(np.ascontiguousarray(c)) for c in columns)],
        schema=schema.EGO_POSES,
    )


def ego_poses_from_table(table: pa.Table) -> EgoPoses:
    """Return the path in a table with schema `schema.EGO_POSES`."""
    numbers = np.column_stack([table.column(k).to_numpy() for k in range(1, 8)])
    return EgoPoses(table.column(0).to_numpy(), pose(numbers[:, :3], numbers[:, 3:]))


def images_to_table(
    timestamps_ns: np.ndarray, paths: Sequence[str], presentation_ns: np.ndarray | None = None
) -> pa.Table:
    """Return one camera's pictures as a table with schema `schema.IMAGES`."""
    inside = pa.nulls(len(paths), pa.int64()) if presentation_ns is None else presentation_ns
    columns = [pa.array(timestamps_ns, pa.int64()), pa.array(list(paths), pa.string())]
    return pa.Table.from_arrays([*columns, pa.array(inside, pa.int64())], schema=schema.IMAGES)


def images_from_table(table: pa.Table, root: Path) -> Images:
    """Return one camera's pictures; paths are below `root`."""
    known = {name: root / name for name in table.column("path").unique().to_pylist()}
    paths = tuple(known[name] for name in table.column("path").to_pylist())
    inside = None
    # Tables of earlier releases know no videos.
    if "presentation_ns" in table.column_names and not table.column("presentation_ns").null_count:
        inside = table.column("presentation_ns").to_numpy() if len(table) else None
    return Images(table.column("timestamp_ns").to_numpy(), paths, inside)


def image_labels_to_table(labels: ImageLabels, camera: str = "") -> pa.Table:
    """Return labels on one camera's images as a table with schema `schema.BOXES_2D`."""
    points, seen, counts, sizes = [], [], [], []
    for shape in labels.shapes.tolist():
        has_points = shape is not None and shape.kind != "mask"
        points.append([part.reshape(-1) for part in shape.parts_px] if has_points else None)
        seen.append(shape.visibility if shape is not None and shape.visibility else None)
        counts.append(shape.counts if shape is not None and shape.counts else None)
        sizes.append(shape.size_px if shape is not None and shape.counts else None)
    m, field = len(labels), schema.BOXES_2D.field
    boxes = np.ascontiguousarray(labels.boxes_px.T)
    columns = [
        _words(np.full(m, camera, dtype=np.object_), field("camera")),
        pa.array(labels.images),
        pa.array(labels.timestamps_ns),
        _words(labels.track_ids, field("track_id")),
        _words(labels.class_names, field("class_name")),
        _words(np.array(KINDS, dtype=np.object_)[labels.kinds], field("geometry")),
        *(pa.array(side, from_pandas=True) for side in boxes),  # NaN is null there
        pa.array(points, field("points_px").type),
        pa.array(seen, field("keypoint_visibility").type),
        pa.array(counts, pa.string()),
        pa.array(sizes, field("mask_size_px").type),
        pa.array(labels.is_key),
        pa.array(labels.visible),
        pa.array(labels.scores),
        pa.array(labels.expected_iou, from_pandas=True),
        _words(labels.sources, field("source")),
        pa.array(labels.revision),
    ]
    return pa.Table.from_arrays(columns, schema=schema.BOXES_2D)


def image_labels_from_table(table: pa.Table) -> ImageLabels:
    """Return the labels of a table with the columns of `schema.BOXES_2D`.

    Raises
    ------
    SchemaError
        If a column is missing or of another kind, or a shape is none.
    """
    missing = [name for name in schema.BOXES_2D.names if name not in table.column_names]
    if missing:
        raise SchemaError(f"boxes_2d: expected columns {missing}, got {table.column_names}")

    def numbers(name: str) -> np.ndarray:
        return np.asarray(table.column(name).to_numpy())

    def words(name: str) -> np.ndarray:
        return texts(table.column(name).cast(pa.string()).to_pylist())

    geometry = words("geometry").tolist()
    try:
        kinds = np.array([KINDS.index(kind) for kind in geometry], dtype=np.int8)
        said = zip(
            geometry,
            *(table.column(name).to_pylist() for name in _SHAPE_COLUMNS),
            strict=True,
        )
        shapes = objects([_shape(*row) for row in said])
    except (ValueError, TypeError) as error:
        raise SchemaError(f"boxes_2d: expected shapes of {', '.join(KINDS)}: {error}") from None
    sides = [table.column(name).cast(pa.float64()).to_numpy() for name in _SIDES]
    return ImageLabels(
        images=numbers("image"),
        timestamps_ns=numbers("timestamp_ns"),
        track_ids=words("track_id"),
        class_names=words("class_name"),
        boxes_px=np.column_stack(sides),
        kinds=kinds,
        shapes=shapes,
        is_key=numbers("is_key").astype(np.bool_),
        visible=numbers("visible").astype(np.bool_),
        scores=numbers("score"),
        expected_iou=table.column("expected_iou").fill_null(np.nan).to_numpy(),
        sources=words("source"),
        revision=numbers("revision"),
    )


def tracks_of(labels: Labels) -> pa.Table:
    """Return one row per track (`schema.TRACKS`), in order of `track_names`.

    A track's class is that of most of its boxes (the first by name on a draw), its size the
    median and its score the mean of theirs. Tracks without a box are left out.
    """
    columns: list[list[object]] = [[] for _ in schema.TRACKS.names]
    order = np.argsort(labels.tracks, kind="stable")
    starts = np.flatnonzero(np.diff(labels.tracks[order], prepend=-1))
    for rows in np.split(order, starts[1:]) if len(order) else []:
        size_m = np.median(labels.cuboids.size_m[rows], axis=0)
        values = (
            labels.track_names[labels.tracks[rows[0]]],
            labels.class_names[np.bincount(labels.classes[rows]).argmax()],
            labels.timestamps_ns[rows].min(),
            labels.timestamps_ns[rows].max(),
            len(rows),
            *size_m,
            labels.scores[rows].mean(),
        )
        for column, value in zip(columns, values, strict=True):
            column.append(value)
    arrays = [pa.array(c, f.type) for c, f in zip(columns, schema.TRACKS, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema.TRACKS)


_SIDES = ("x0_px", "y0_px", "x1_px", "y1_px")
_SHAPE_COLUMNS = ("points_px", "keypoint_visibility", "mask_counts", "mask_size_px")


def _shape(
    kind: str,
    points: list[list[float]] | None,
    seen: list[int] | None,
    counts: str | None,
    size: list[int] | None,
) -> Shape | None:
    parts = [np.asarray(part, dtype=np.float64).reshape(-1, 2) for part in points or ()]
    match kind:
        case "box":
            return None
        case "mask":
            return Shape.mask(size or (), counts or "")
        case "polygon":
            return Shape.polygon(parts)
    # A row without points is refused by the shape itself.
    line = np.concatenate([np.empty((0, 2)), *parts])
    return Shape.keypoints(line, seen) if kind == "keypoints" else Shape.polyline(line)


def _words(values: np.ndarray, field: pa.Field) -> pa.DictionaryArray:
    names, which = np.unique(values.astype(str), return_inverse=True)
    index = pa.array(which.astype(field.type.index_type.to_pandas_dtype()))
    return pa.DictionaryArray.from_arrays(index, pa.array(names.tolist(), pa.string()))


def _dictionary(column: pa.ChunkedArray, kind: type) -> tuple[np.ndarray, tuple[str, ...]]:
    if column.num_chunks == 0:
        return np.empty(0, dtype=kind), ()
    chunk = column.chunk(0)
    return chunk.indices.to_numpy().astype(kind), tuple(chunk.dictionary.to_pylist())
