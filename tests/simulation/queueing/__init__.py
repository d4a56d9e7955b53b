"""The twin against queueing theory: one mechanism at a time, exact values beside simulated ones."""
