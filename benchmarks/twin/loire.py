"""The Loire instance: its smallest component in both engines, and the memory of a whole replication."""

import subprocess
import sys
from dataclasses import dataclass

from simulation.compilation import compile_plan
from simulation.configuration import todays_configuration
from simulation.flat_model import FlatPlan
from simulation.records import EventArray
from simulation.state import State
from simulation.twin import EngineName, Twin, engine

_WHOLE_REPLICATION = """
import resource
from instances.catalogue import load_instance
from simulation.configuration import todays_configuration
from simulation.twin import Twin
instance = load_instance("loire")
Twin(instance, seed=1).whole_account(todays_configuration(instance), 0)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
_KIB_PER_GB = 1e9 / 1024


@dataclass(frozen=True)
class LoireRun:
    """The smallest component of the Loire, warmed up, under today's configuration."""

    twin: Twin
    component: int
    plan: FlatPlan

    @staticmethod
    def of(twin: Twin) -> "LoireRun":
        """Choose the component with the fewest inhabitants."""
        territories = twin.instance.territories

        def inhabitants(number: int) -> float:
            return sum(territories[index].population or 0.0 for index in twin.components[number].territories)

        component = min(range(len(twin.components)), key=inhabitants)
        today = todays_configuration(twin.instance)
        return LoireRun(twin, component, compile_plan(twin.instance, twin.components[component], today, today))

    def start(self, replication: int) -> State:
        """Return the state at time 0, warmed up by the compiled engine."""
        return self.twin.state_at_time_zero(self.component, replication)

    def run(self, name: EngineName, state: State, replication: int) -> EventArray:
        """Run from time 0 to the horizon; return the full event log."""
        model = self.twin.model(self.component)
        events, _ = engine(name)(
            model,
            self.plan,
            state,
            seed=self.twin.seed,
            replication=replication,
            until=model.run,
            rollout=model.rollout,
        )
        return events


def peak_memory() -> float:
    """Return the peak memory in GB of a process that simulates the whole Loire once, warm-up and run."""
    done = subprocess.run([sys.executable, "-c", _WHOLE_REPLICATION], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1]) / _KIB_PER_GB
