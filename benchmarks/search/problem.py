"""What every method is given: an instance with what is known of it, the rules, and the same judge of plans."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.search import valleys
from configurator.presets import NORMAL, PRESETS
from instances.catalogue import read_source
from instances.instance import Instance
from optimisation.evaluation import Evaluator
from optimisation.feasibility.planning import Planning
from optimisation.twin_evaluation import twin_evaluator
from simulation.components import components
from simulation.knowledge import Knowledge
from simulation.objectives import ENOUGH_REPLICATIONS, Essence


@dataclass(frozen=True)
class Problem:
    """One instance to be searched; population and replications are those of the product's normal preset."""

    name: str
    knowledge: Knowledge
    planning: Planning
    population: int
    replications: int
    """Of each plan at first."""
    most_replications: int
    """Of plans whose dominance is in doubt."""
    workers: int = 1

    @classmethod
    def of(cls, name: str, workers: int = 1) -> "Problem":
        """Read a shipped instance or a folder, or make so many valleys (`valleys-8`)."""
        knowledge = _knowledge(name)
        settings, preset = knowledge.central.settings.search, PRESETS[NORMAL]
        return cls(
            name,
            knowledge,
            Planning(knowledge.central),
            round(settings.population * preset.population),
            settings.replications,
            settings.replications * preset.most_replications,
            workers,
        )

    @property
    def instance(self) -> Instance:
        """The instance at the central values of its parameters."""
        return self.knowledge.central

    @property
    def parts(self) -> int:
        """Component runs that make a replication of a whole plan."""
        return len(components(self.instance))

    @property
    def informing(self) -> int:
        """Replications of today's offer that the judge needs, which count for every method alike."""
        return max(ENOUGH_REPLICATIONS, self.most_replications)

    def evaluator(self, seed: int) -> Evaluator[Essence]:
        """Return an evaluator that remembers nothing yet."""
        return twin_evaluator(self.knowledge, seed=seed, workers=self.workers, informing=range(self.informing))


def _knowledge(name: str) -> Knowledge:
    several = valleys.NAME.fullmatch(name)
    if several is None:
        return Knowledge.of(read_source(name))
    with TemporaryDirectory() as folder:
        return Knowledge.of(read_source(str(valleys.valleys(int(several[1]), Path(folder) / name))))
