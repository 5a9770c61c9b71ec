"""One track out of a table of millions of dense boxes."""

from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from perception_label.arrays import Ints
from perception_label.errors import SettingError


class DenseBoxes:
    """A table of dense boxes and, once a track is asked for, where the rows of each track are.

    Finding that out takes a sort of the rows by track; a track then takes the time of its rows.
    """

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def track(self, track_id: str) -> pa.Table:
        """Return the boxes of a track, in the order of the table.

        Raises
        ------
        SettingError
            If it has none.
        """
        names, order, starts = self._index
        k = names.get(track_id)
        if k is None or starts[k] == starts[k + 1]:
            raise SettingError(
                f"track: expected one of the {len(names)} with boxes, got {track_id!r}"
            )
        return self._whole.take(pa.array(order[starts[k] : starts[k + 1]]))

    @cached_property
    def _whole(self) -> pa.Table:
        return self.table.unify_dictionaries().combine_chunks()

    @cached_property
    def _index(self) -> tuple[dict[str, int], Ints, Ints]:
        column = self._whole.column("track_id")
        if column.num_chunks == 0:
            return {}, np.empty(0, np.int64), np.zeros(1, np.int64)
        chunk = column.chunk(0)
        names = {name: k for k, name in enumerate(chunk.dictionary.to_pylist())}
        tracks = chunk.indices.to_numpy()
        order = _order(tracks)
        starts = np.zeros(len(names) + 1, dtype=np.int64)
        np.cumsum(np.bincount(tracks, minlength=len(names)), out=starts[1:])
        return names, order, starts


def _order(tracks: NDArray[np.int32]) -> Ints:
    """Return the stable order by track: 16 bits at a time, which NumPy sorts by radix."""
    order = np.argsort(tracks.astype(np.uint16), kind="stable")
    high = (tracks >> 16).astype(np.uint16)
    return order[np.argsort(high[order], kind="stable")] if high.any() else order
