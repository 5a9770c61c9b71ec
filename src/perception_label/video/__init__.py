"""Images in order of time: decoding, clocks, flow and the propagation of 2-D labels."""
