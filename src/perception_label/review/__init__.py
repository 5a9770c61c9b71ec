"""The review app: people correct propagated tracks in the browser."""
