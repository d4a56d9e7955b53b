"""Measurements of speed and precision; results with their machine stand in `RESULTS.md`."""
