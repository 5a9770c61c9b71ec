"""Keyframes to dense tracks."""
