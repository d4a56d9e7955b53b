"""The solver answers alike whatever it was asked before, to the last digit."""

from itertools import islice

import numpy as np
import pytest

from instances.catalogue import load_instance
from optimisation.feasibility.checker import state_of
from optimisation.feasibility.model import Aims, NearestPlan
from optimisation.feasibility.planning import Planning
from optimisation.feasibility.repair import SEARCH_GAP, Repairer
from optimisation.starting_points import sampled


@pytest.mark.slow
def test_an_answer_does_not_depend_on_what_was_asked_before():
    """HiGHS remembers how it scaled the first problem; on the Loire one answer in ten showed it in its last digits."""
    planning = Planning(load_instance("loire"))
    encoding, contract = planning.encoding, planning.encoding.contracts[0]
    repairer = Repairer(planning)
    fresh, used = (NearestPlan(planning, contract, SEARCH_GAP, exact=False) for _ in range(2))
    none = np.zeros(len(used.budgets))
    today = state_of(planning, encoding.configuration(encoding.today))
    used.solve(encoding.today, Aims(np.zeros(encoding.decided), none, none + 1.0, none, none), today)
    for genes in islice(sampled(encoding, np.random.default_rng(3)), 24):
        asked = genes, repairer.asked(genes, contract), state_of(planning, encoding.configuration(genes))
        one, other = fresh.solve(*asked), used.solve(*asked)
        assert (one.genes.tolist(), one.gap) == (other.genes.tolist(), other.gap)
