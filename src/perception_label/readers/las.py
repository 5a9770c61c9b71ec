"""LAS and LAZ point files, through laspy (extra `las`)."""

from pathlib import Path

import numpy as np

from perception_label.errors import MissingExtraError
from perception_label.readers.clouds import Cloud, from_fields
from perception_label.readers.files import read_bytes, refuse


def read(path: Path) -> Cloud:
    """Read a LAS or LAZ file; coordinates are the file's own, in float64.

    Raises
    ------
    SourceError
        If the file is cut short or no LAS.
    MissingExtraError
        If laspy is not installed.
    """
    try:
        import laspy
    except ImportError:
        raise MissingExtraError(f"{path}: needs laspy: install perception-label[las]") from None
    if read_bytes(path)[:4] != b"LASF":
        raise refuse(path, "a LAS file", "another signature")
    try:
        with laspy.open(path) as reader:
            n_points = reader.header.point_count
            cloud = reader.read()
        names = set(cloud.point_format.dimension_names)
        fields = {axis: np.asarray(getattr(cloud, axis), dtype=np.float64) for axis in "xyz"}
        for name in names - {"X", "Y", "Z"}:
            values = np.asarray(cloud[name])
            fields[name] = values if values.ndim == 1 else values[:, 0]
    except Exception as error:  # noqa: BLE001 - laspy and its decoders raise many kinds
        raise refuse(path, "a whole LAS file", f"{type(error).__name__}: {error}") from None
    if len(fields["x"]) != n_points:
        raise refuse(path, f"{n_points} points", f"{len(fields['x'])}: cut short")
    return from_fields(path, fields)
