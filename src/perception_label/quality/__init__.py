"""Metrics and checks of labels and logs."""
