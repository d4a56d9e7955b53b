"""The twin as people read it: the rules T1-T12 of the design as a SimPy simulation, one module a subject.

It reads the flat model, nothing else, and writes event records. Time runs on SimPy's event list; each patient and
each pool has at most one alarm set there, in the total order of T1. Units are granted synchronously (no SimPy
resource, no race of requests against patience), which keeps the order strict and the engine quick.

Read `passages` first (from one step to the next), then `hazards`, `services`, `gates`, `lines`; `clockwork` runs
them all, `contexts` and `cast` are what they speak of.
"""

from simulation.engines.simpy_engine.clockwork import run

__all__ = ["run"]
