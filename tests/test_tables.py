"""Dense boxes to tables and back: what older tables lack, and who made each box."""

import numpy as np
import pytest

from labelled_logs import labels
from perception_label import schema
from perception_label.errors import SchemaError, ShapeError
from perception_label.geometry.labels import Labels
from perception_label.tables import completed, labels_from_table, labels_to_table


def test_every_column_comes_back():
    given = labels()
    back = labels_from_table(labels_to_table(given, "solver"))
    for name in ("timestamps_ns", "scores", "n_points", "expected_iou", "revision"):
        assert np.array_equal(getattr(back, name), getattr(given, name), equal_nan=name[0] == "e")


def test_a_table_without_the_newer_columns_reads_as_unknown():
    table = labels_to_table(labels(), "solver").drop_columns(list(schema.CUBOIDS_UNKNOWN))
    assert completed(table).schema.equals(schema.CUBOIDS)
    back = labels_from_table(table)
    assert np.isnan(back.expected_iou).all()
    assert set(back.revision.tolist()) == {-1}
    with pytest.raises(SchemaError, match="n_points"):
        labels_from_table(table.drop_columns(["n_points"]))


def test_labels_without_the_newer_columns_have_them_unknown():
    given = labels()
    plain = Labels.from_columns(
        given.timestamps_ns, given.tracks, given.classes, given.cuboids, scores=given.scores
    )
    assert np.isnan(plain.expected_iou).all()
    assert plain[:3].revision.tolist() == [-1, -1, -1]
    with pytest.raises(ShapeError, match="expected_iou"):
        Labels.from_columns(
            given.timestamps_ns, given.tracks, given.classes, given.cuboids, expected_iou=[1, 2]
        )


def test_each_box_may_have_a_source_of_its_own():
    given = labels()
    sources = ["human", "solver"] * len(given)
    table = labels_to_table(given, sources[: len(given)])
    assert table["source"].to_pylist() == sources[: len(given)]
    with pytest.raises(ShapeError, match="source"):
        labels_to_table(given, ["human"])
