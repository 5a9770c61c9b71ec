"""Synthetic logs with exact truth.

`simulate_log` hands over what a reader would; `log.SimulatedSweeps.labelled(i)` also tells which
object each point belongs to; `picture.draw` shows a sweep.
"""

from perception_label.simulate.log import LabelledSweep, SimulatedSweeps, simulate_log
from perception_label.simulate.settings import LidarSettings, SceneSettings

__all__ = ["LabelledSweep", "LidarSettings", "SceneSettings", "SimulatedSweeps", "simulate_log"]
