"""The solver answers alike whatever it was asked before, to the last digit."""

from itertools import islice

import numpy as np
import pytest

from instances.catalogue import load_instance
from optimisation.encoding import Genes
from optimisation.feasibility import model
from optimisation.feasibility.checker import State, state_of
from optimisation.feasibility.highs import SilentHighs
from optimisation.feasibility.model import Aims, Nearest, NearestPlan
from optimisation.feasibility.near_relaxation import WholeColumns
from optimisation.feasibility.planning import Planning
from optimisation.feasibility.repair import SEARCH_GAP, Repairer
from optimisation.starting_points import sampled
from tests.optimisation.conftest import valley_with
from tests.optimisation.test_repair import TIGHT
from tests.optimisation.test_rules import EXAMPLES


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


def test_the_solver_says_nothing(capfd):
    """What a user's command prints is the command's: HiGHS names itself on creation, from 1.16 on."""
    planning = Planning(valley_with(*TIGHT))
    nearest = NearestPlan(planning, planning.encoding.contracts[0], 0.0, exact=False)
    assert all(isinstance(nearest.solve(*question), Nearest) for question in asked_of(planning, 2))
    assert capfd.readouterr() == ("", "")


def asked_of(planning: Planning, count: int) -> list[tuple[Genes, Aims, State]]:
    repairer, encoding = Repairer(planning), planning.encoding
    return [
        (genes, repairer.asked(genes, encoding.contracts[0]), state_of(planning, encoding.configuration(genes)))
        for genes in islice(sampled(encoding, np.random.default_rng(3)), count)
    ]


@pytest.mark.parametrize("kind", sorted(EXAMPLES))
@pytest.mark.parametrize("exact", [False, True])
def test_where_a_relaxation_starts_leaves_the_nearest_plan_as_near(kind: str, exact: bool, monkeypatch):
    planning = Planning(valley_with(*EXAMPLES[kind]))
    from_nothing = NearestPlan(planning, planning.encoding.contracts[0], 0.0, exact=exact)
    monkeypatch.setattr(model, "MANY_WHOLE", 0)
    from_proposal, used = (NearestPlan(planning, planning.encoding.contracts[0], 0.0, exact=exact) for _ in range(2))
    questions = asked_of(planning, 6)
    for question in reversed(questions):
        used.solve(*question)
    for question in questions:
        one, other, again = (each.solve(*question) for each in (from_nothing, from_proposal, used))
        assert isinstance(one, Nearest) == isinstance(other, Nearest)
        if isinstance(one, Nearest):
            assert from_proposal.distance == pytest.approx(from_nothing.distance, abs=1e-6)
            assert again.genes.tolist() == other.genes.tolist()
    assert from_nothing.basis is None
    assert from_proposal.basis is not None


def test_a_relaxation_starts_at_the_proposal(monkeypatch):
    """Before any iteration genes are as proposed; only rules and sums of mixes may be broken there."""
    monkeypatch.setattr(model, "MANY_WHOLE", 0)
    planning = Planning(valley_with(*TIGHT))
    nearest = NearestPlan(planning, planning.encoding.contracts[0], 0.0, exact=False)
    for question in asked_of(planning, 6):
        nearest.solve(*question)
        solver = SilentHighs()
        for option, value in (("solve_relaxation", True), ("simplex_iteration_limit", 0)):
            solver.setOptionValue(option, value)
        solver.passModel(nearest.programme)
        solver.setBasis(nearest.basis)
        solver.run()
        whole = WholeColumns.of(solver).numbers
        free = np.flatnonzero((planning.encoding.low < planning.encoding.high)[: planning.encoding.decided])
        found = np.array(solver.getSolution().col_value)[whole][: len(free)]
        assert sorted(found.round(6).tolist()) == sorted(float(one) for one in question[0][free])
