"""Models that the user brings: promptable segmenters, 2-D and 3-D detectors. None is shipped."""
