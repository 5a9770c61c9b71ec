"""The edit log: what people decided, as rows that are only ever added to."""

from perception_label.storage.edits.edit import Edit, Outcome, Row
from perception_label.storage.edits.log import EditLog
from perception_label.storage.edits.state import LogState, ShapeKeys, TrackState

__all__ = ["Edit", "EditLog", "LogState", "Outcome", "Row", "ShapeKeys", "TrackState"]
