"""Engine: trains and probes runs, one compiled program a group, and yields their records."""
