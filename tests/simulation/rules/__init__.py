"""Rules T1 to T13 of the twin, each as the exact list of what happens in a tiny world, on both engines."""
