"""The two engines: the same rules, once to be read (SimPy) and once to be fast (compiled)."""
