"""Synthetic logs with exact truth."""
