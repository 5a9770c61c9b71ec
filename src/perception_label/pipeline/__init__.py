"""The steps of the engine, over sweeps, tracks and logs."""
