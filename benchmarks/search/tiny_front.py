"""The exact front of `tiny`: every plan that keeps the rules, simulated long.

    python -m benchmarks.search.tiny_front --replications 100 --out benchmarks/search/tiny_plans.csv

Every combination of shares and capacities on their steps is listed (1,620); those that break a rule are left out. The
others (1,280) are simulated on the replications that no search uses, from FRESH_REPLICATIONS + 1,000 on, parameter
draws included, and judged as a search judges its archive: means over replications, for solvency mean less deviations.
The table has one row a plan: its genes, its objectives, the standard errors of their means over replications, and
whether no other sound plan dominates it. Plans flagged as harmful, unstable or overrun stand in it too, as not sound.
Plans meet the same people, luck and parameter draws: differences between them are known better than their errors tell.
"""

import argparse
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from configurator.runs.store import write_atomically
from configurator.tables import Cell, csv_text, table
from instances.catalogue import read_source
from optimisation.confirmation import FRESH_REPLICATIONS
from optimisation.encoding import Encoding, Genes
from optimisation.evaluation import Evaluation
from optimisation.feasibility.checker import violations
from optimisation.feasibility.planning import Planning
from optimisation.fronts import costs, nondominated
from optimisation.twin_evaluation import twin_evaluator
from simulation.knowledge import Knowledge

INSTANCE = "tiny"
FIRST = FRESH_REPLICATIONS + 1_000
SEED = 1


def every_configuration(encoding: Encoding) -> Iterator[Genes]:
    """Yield the genes of every combination of steps whose shares sum to one."""
    groups = [np.flatnonzero(encoding.group == number) for number in range(int(encoding.group.max()) + 1)]
    mixes = [list(_mixes(encoding, cells)) for cells in groups]
    lots = [range(encoding.low[gene], encoding.high[gene] + 1) for gene in range(encoding.shares, encoding.decided)]
    contracts = range(int(encoding.high[-1]) + 1)
    for *chosen, contract in itertools.product(*mixes, *lots, contracts):
        genes = np.zeros(len(encoding.low), dtype=np.int64)
        for cells, mix in zip(groups, chosen, strict=False):
            genes[cells] = mix
        genes[encoding.shares : encoding.decided] = chosen[len(groups) :]
        genes[-1] = contract
        yield genes


def _mixes(encoding: Encoding, cells: Genes) -> Iterator[tuple[int, ...]]:
    steps = (range(encoding.low[cell], encoding.high[cell] + 1) for cell in cells)
    for mix in itertools.product(*steps):
        if abs(float(np.dot(encoding.size[cells], mix))) < 1e-9:
            yield mix


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--replications", type=int, default=200)
    arguments.add_argument("--workers", type=int, default=0)
    arguments.add_argument("--out", type=Path, required=True)
    asked = arguments.parse_args()
    knowledge = Knowledge.of(read_source(INSTANCE))
    planning = Planning(knowledge.central)
    every = list(every_configuration(planning.encoding))
    plans = [genes for genes in every if not violations(planning, planning.encoding.configuration(genes))]
    print(f"{len(every)} configurations, {len(plans)} keep the rules; {asked.replications} replications each")
    evaluator = twin_evaluator(knowledge, seed=SEED, workers=asked.workers, informing=range(10))
    configurations = [planning.encoding.configuration(genes) for genes in plans]
    found = evaluator.evaluate(configurations, range(FIRST, FIRST + asked.replications))
    evaluator.close()
    write_atomically(asked.out, csv_text(table("plans", *rows_of(knowledge, plans, found))))


def rows_of(
    knowledge: Knowledge, plans: list[Genes], found: list[Evaluation]
) -> tuple[tuple[str, ...], list[tuple[Cell, ...]]]:
    objectives = knowledge.central.optimised
    names = [row.objective for row in objectives]
    columns = ("genes", *names, *(f"{name}_error" for name in names), "sound", "front")
    sound = [one.is_sound for one in found]
    points = np.array([one.judgement.point for one in found if one.judgement is not None])
    on_front = np.zeros(len(found), dtype=bool)
    on_front[sound] = nondominated(costs(points[sound], objectives))
    rows: list[tuple[Cell, ...]] = []
    for genes, one, is_sound, is_front in zip(plans, found, sound, on_front, strict=True):
        values = one.judgement.values if one.judgement is not None else np.full((2, len(names)), np.nan)
        point = one.judgement.point if one.judgement is not None else values[0]
        errors = values.std(axis=0, ddof=1) / np.sqrt(len(values))
        text = " ".join(str(gene) for gene in genes)
        rows.append((text, *map(float, point), *map(float, errors), int(is_sound), int(is_front)))
    return columns, rows


if __name__ == "__main__":
    main()
