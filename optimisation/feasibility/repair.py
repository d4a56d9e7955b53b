"""From a proposal to the nearest plan: a pure function of instance and proposal."""

import threading
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from optimisation.encoding import Genes
from optimisation.feasibility.checker import state_of, violations
from optimisation.feasibility.explanation import smallest_relaxations
from optimisation.feasibility.highs import Status
from optimisation.feasibility.inequality import Term, scaled
from optimisation.feasibility.model import LeastSpending, NearestPlan
from optimisation.feasibility.planning import Planning
from optimisation.plan import Infeasible, Plan, Relaxation
from simulation.configuration import Configuration, content_key

SEARCH_GAP = 0.1
LEAST_TARGET = 0.7


class Repairer:
    """Finds nearest plans; may be used from several threads (each keeps its own models)."""

    def __init__(self, planning: Planning, gap: float = SEARCH_GAP) -> None:
        self.planning = planning
        self._gap = gap
        self._own = threading.local()
        self._lock = threading.Lock()
        self._relaxed: dict[str, tuple[Relaxation, ...]] = {}
        self._least_use: dict[str, NDArray[np.float64]] = {}

    def repair(self, proposal: Configuration) -> Plan | Infeasible:
        """Return the proposal itself when it is a plan, else the nearest plan, else why there is none.

        Nearest by weighted distance; weights, and the part of each budget to use, are drawn from the proposal's
        content, so that repaired plans spread instead of all ending at the same limits.
        """
        broken = violations(self.planning, proposal)
        if not broken:
            return Plan(proposal, content_key(proposal))
        genes = self._genes(proposal)
        found = self._nearest(genes)
        if isinstance(found, Status):
            return Infeasible(broken, self._relaxations(genes) if found is Status.INFEASIBLE else (), found.value)
        return Plan(found, content_key(found), tuple(dict.fromkeys(finding.rule for finding in broken)))

    def least(self, terms: dict[Term, float], contract: str) -> tuple[Configuration, float] | Infeasible:
        """Return the plan that makes a linear expression least, and its value."""
        found = LeastSpending(self.planning, contract, self._gap).solve(terms)
        if isinstance(found, Status):
            relaxations = smallest_relaxations(self.planning, contract) if found is Status.INFEASIBLE else ()
            return Infeasible((), relaxations, found.value)
        genes, value = found
        genes[-1] = self.planning.encoding.contracts.index(contract)
        return self.planning.encoding.configuration(genes), value

    def explain(self, contract: str) -> Infeasible:
        """Return the smallest relaxations that would make a plan exist (none needed: no relaxations)."""
        return Infeasible((), smallest_relaxations(self.planning, contract))

    def _genes(self, proposal: Configuration) -> Genes:
        encoding = self.planning.encoding
        genes = encoding.genes(proposal)
        if proposal.contract not in encoding.contracts:
            genes[-1] = encoding.today[-1]
        return np.clip(genes, encoding.low, encoding.high)

    def _nearest(self, genes: Genes) -> Configuration | Status:
        """Return the nearest plan, by the cheapest of three models that has one.

        First with the pools full that are so in the proposal, then those that are so today, then with that decided.
        """
        encoding = self.planning.encoding
        contract = encoding.contracts[int(genes[-1])]
        random = np.random.Generator(np.random.Philox(key=_key(genes)))
        weights = random.uniform(0.5, 1.5, encoding.decided)
        aims = random.uniform(LEAST_TARGET, 1.0, len(self._model(contract).budgets))
        targets = self._reachable(aims, self._model(contract), contract)
        status = Status.INFEASIBLE
        for full, exact in ((genes, False), (encoding.today, False), (genes, True)):
            state = state_of(self.planning, encoding.configuration(full))
            found = self._model(contract, exact=exact).solve(genes, weights, targets, state)
            if isinstance(found, Status):
                status = found
                continue
            plan = encoding.configuration(found)
            if not violations(self.planning, plan):
                return plan
            status = Status.ROUNDING
        return status

    def _reachable(self, aims: NDArray[np.float64], model: NearestPlan, contract: str) -> NDArray[np.float64]:
        """Stretch targets below what any plan uses into the range that can be used."""
        with self._lock:
            if contract not in self._least_use:
                self._least_use[contract] = self._uses(model, contract)
        least = np.maximum(LEAST_TARGET, self._least_use[contract])
        return least + (1.0 - least) * (aims - LEAST_TARGET) / (1.0 - LEAST_TARGET)

    def _uses(self, model: NearestPlan, contract: str) -> NDArray[np.float64]:
        solver = LeastSpending(self.planning, contract, self._gap)
        found = [solver.solve(scaled(row.terms, 1.0 / row.bound)) for row in model.budgets]
        return np.array([0.0 if isinstance(one, Status) else min(1.0, one[1]) for one in found])

    def _model(self, contract: str, *, exact: bool = False) -> NearestPlan:
        models: dict[tuple[str, bool], NearestPlan] = self._own.__dict__.setdefault("models", {})
        if (contract, exact) not in models:
            models[contract, exact] = NearestPlan(self.planning, contract, self._gap, exact=exact)
        return models[contract, exact]

    def _relaxations(self, genes: Genes) -> tuple[Relaxation, ...]:
        contract = self.planning.encoding.contracts[int(genes[-1])]
        with self._lock:
            if contract not in self._relaxed:
                self._relaxed[contract] = smallest_relaxations(self.planning, contract)
            return self._relaxed[contract]


def _key(genes: Genes) -> int:
    return int.from_bytes(sha256(genes.astype("<i8").tobytes()).digest()[:16], "little")
