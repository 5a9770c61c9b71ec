"""Label one keyframe of a recorded drive and get the label over the whole log."""

from perception_label.errors import LabelError
from perception_label.geometry.cuboids import Cuboids

__version__ = "0.1.0"

__all__ = ["Cuboids", "LabelError", "__version__"]
