"""Cameras in the simulated town: textured images with exact instances, boxes, depth and flow."""

from perception_label.simulate.camera.boxes import ImageBoxes
from perception_label.simulate.camera.images import (
    ExactFlow,
    LabelledImage,
    SimulatedCamera,
    simulated_cameras,
)

__all__ = ["ExactFlow", "ImageBoxes", "LabelledImage", "SimulatedCamera", "simulated_cameras"]
