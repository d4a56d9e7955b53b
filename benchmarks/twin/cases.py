"""The registry: every case, in the same three phases.

`build` makes what all replications share (reading, compiling), `prepare` what a replication starts from (and all
configurations share), `run` is what is timed. `read` counts afterwards.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from benchmarks.twin import idiomatic_simpy
from benchmarks.twin.instance_form import CompiledNetwork, figures
from benchmarks.twin.network import Figures, Network
from simulation.twin import EngineName, engine

if find_spec("cimba") is not None:
    import_module("cimba")  # it teaches numba its records, which numba learns only before it first compiles

Run = Callable[[], Any]
Prepare = Callable[[int], Run]


@dataclass(frozen=True)
class Case:
    """One way to simulate the network."""

    name: str
    build: Callable[[Network], Prepare]
    read: Callable[[Any], Figures]
    package: str = "simpy"  # without it the case is left out
    repeats: int = 1  # replications a round: the quick run more often, so that all rounds last

    @property
    def is_available(self) -> bool:
        """Whether the package that the case needs is installed."""
        return find_spec(self.package) is not None


def _idiomatic(network: Network) -> Prepare:
    return lambda seed: lambda: idiomatic_simpy.run(network, seed)


def _ours(name: EngineName) -> Callable[[Network], Prepare]:
    def build(network: Network) -> Prepare:
        compiled = CompiledNetwork.of(network)

        def prepare(seed: int) -> Run:
            state = compiled.start(seed)
            return lambda: compiled.run(engine(name), state, seed)

        return prepare

    return build


def _ciw(network: Network) -> Prepare:
    from benchmarks.twin import ciw_network

    return lambda seed: lambda: ciw_network.run(network, seed)


def _read_ciw(simulation: Any) -> Figures:
    from benchmarks.twin import ciw_network

    return ciw_network.figures(simulation)


def _cimba(network: Network) -> Prepare:
    from benchmarks.twin import cimba_network

    hospital = cimba_network.hospital_of(network)
    return lambda seed: lambda: cimba_network.run(hospital, seed)


def _itself(result: Any) -> Figures:
    return result


IDIOMATIC = Case("idiomatic SimPy", _idiomatic, _itself)
OUR_SIMPY = Case("our SimPy engine", _ours("simpy"), figures)
COMPILED = Case("compiled engine", _ours("compiled"), figures, repeats=20)
CIW = Case("Ciw", _ciw, _read_ciw, package="ciw")
CIMBA = Case("cimba", _cimba, _itself, package="cimba", repeats=8)
CASES = (IDIOMATIC, OUR_SIMPY, COMPILED, CIW, CIMBA)
