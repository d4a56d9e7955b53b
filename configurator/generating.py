"""Making a synthetic department: drawn, costed by simulating today once, then written as an instance folder."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from configurator.asking import InvalidRequest
from configurator.runs.store import write_atomically
from instances.folder import write_folder
from instances.generator import SpentToday, department, origins, written_department
from instances.instance import Instance
from instances.source import InstanceSource, read_source_folder
from optimisation.feasibility.checker import findings, violations
from optimisation.feasibility.planning import Planning
from simulation.configuration import todays_configuration
from simulation.ledgers.account import total
from simulation.objectives import Judge
from simulation.twin import Twin

DRAW = 0x53594E54
"""Keeps the draws of a department apart from those of every other generator of the same seed."""


@dataclass(frozen=True)
class Generated:
    """A department that was written."""

    folder: Path
    territories: int
    basins: int
    people: int

    def document(self) -> dict[str, object]:
        """Return everything as one JSON-able object."""
        return {
            "folder": str(self.folder),
            "territories": self.territories,
            "basins": self.basins,
            "people": self.people,
        }


def generate(territories: int, seed: int, out: Path) -> Generated:
    """Write a synthetic department of so many territories; the same seed writes the same bytes.

    Budgets are what today costs each payer, by the fluid model or by the twin, whichever says more, plus the Loire's
    envelope: today's plan keeps every rule. Raises InvalidRequest when the folder is not free.
    """
    _check(territories, out)
    random = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, territories, DRAW])))
    drawn = department(out.name, territories, random)
    spent = spent_today(InstanceSource(written_department(drawn)).today, seed)
    write_folder(written_department(drawn, spent), out)
    write_atomically(out / "SOURCES.md", origins(drawn, seed))
    instance = read_source_folder(out).today
    broken = violations(Planning(instance), todays_configuration(instance))
    if broken:
        raise InvalidRequest("today's plan of the department drawn breaks " + "; ".join(str(one) for one in broken))
    return Generated(out, territories, len(drawn.basins), drawn.people)


def spent_today(instance: Instance, seed: int) -> SpentToday:
    """Return what today costs each payer with an operating budget, in currency a year: fluid model or twin."""
    today = todays_configuration(instance)
    expected = {one.rule: one.value for one in findings(Planning(instance), today)}
    twin = Twin(instance, seed=seed)
    account = total(twin.account(today, part, 0) for part in range(len(twin.components)))
    judge = Judge.of(instance)
    simulated = {budget.name: judge.catalogue.value(budget.expression, account) for budget in judge.budgets}
    return {
        rule.payer: max(expected[rule.rule], simulated[rule.rule])
        for rule in instance.rules
        if rule.kind == "budget" and rule.money == "operating"
    }


def _check(territories: int, out: Path) -> None:
    if territories < 1:
        raise InvalidRequest(f"--territories {territories}: a department has at least 1")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InvalidRequest(f"--out {out}: not an empty folder; name another one")
