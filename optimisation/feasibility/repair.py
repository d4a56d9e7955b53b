"""From a proposal to the nearest plan: a pure function of instance and proposal."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from math import inf

import numpy as np
from numpy.typing import NDArray

from optimisation.encoding import Genes
from optimisation.feasibility.checker import ROUNDING, state_of, violations
from optimisation.feasibility.explanation import explained
from optimisation.feasibility.highs import Status
from optimisation.feasibility.inequality import Term, scaled
from optimisation.feasibility.model import OVERSHOOT, Aims, LeastSpending, NearestPlan
from optimisation.feasibility.planning import Planning
from optimisation.plan import Explanation, Infeasible, Plan
from simulation.configuration import Configuration, content_key
from simulation.rounding import rounded

SEARCH_GAP = 0.1
"""How far a repaired plan may be from the nearest one in a search, relative to its own distance."""
TIGHT_GAP = 0.01
"""The same where a plan is looked at by people: typed by hand, extreme, or asked what more money would buy."""
LEAST_USE_GAP = 0.01
LEAST_USE_ROUNDS = 4
"""How often the least use of a budget is looked for again with the pools full that are so in the last plan found."""
LEAST_TARGET = 0.7
TARGET_SPREAD = 0.05
"""How far the targets of a proposal's budgets lie from each other at most, either way."""
WEIGHT_SPREAD = 3.0
"""Logarithm of the greatest weight of a gene, and of the mixes or capacities of a territory, over the middle one."""
THRIFT = 100.0
"""Cost of leaving all of a budget unused that a proposal would use up, in gene ranges moved: the middle one."""
FIRM = 100.0 * OVERSHOOT
"""The same cost for the one budget that comes before nearness: as much as moving every gene of the Loire."""
MOVED_TWICE = 0.5
"""Weight of a share's steps: what one pathway gives another one takes, so that a move counts twice."""
FEW_CHOICES = 16
"""With so many pools that may be full or not, at most, that is decided with the plan; with more it is taken as it is
in the proposal. On the Loire (74 such pools) deciding takes thirty times as long, for plans a tenth nearer."""
Floats = NDArray[np.float64]
Ask = Callable[[Genes, str], Aims]
"""From genes and contract to what counts as near."""


class Repairer:
    """Finds nearest plans, from several threads at once too; a model serves one after another.

    gap: how far a plan may be from the nearest one, relative to its own distance.
    """

    def __init__(self, planning: Planning, gap: float = SEARCH_GAP) -> None:
        self.planning = planning
        self._gap = gap
        self._idle: dict[tuple[str, bool, bool], list[NearestPlan]] = {}
        self._lock = threading.Lock()
        self._explained: dict[str, Explanation] = {}
        self._least_use: dict[str, Floats] = {}

    def repair(self, proposal: Configuration) -> Plan | Infeasible:
        """Return the proposal itself when it is a plan, else the nearest plan, else why there is none.

        Nearest by weighted distance; weights, and the part of each budget to use, are drawn from the proposal's
        content, so that repaired plans spread instead of all ending at the same limits. Where the rules leave no
        plan under the proposal's contract, the other contracts that may be chosen follow in their order.
        """
        return self._repaired(proposal, self.asked)

    def nearest(self, proposal: Configuration) -> Plan | Infeasible:
        """Return what a person would call the nearest plan: every range counts alike, budgets may be used up."""
        return self._repaired(proposal, self._even)

    def _repaired(self, proposal: Configuration, ask: Ask) -> Plan | Infeasible:
        broken = violations(self.planning, proposal)
        if not broken:
            return Plan(proposal, content_key(proposal))
        genes = self._genes(proposal)
        ended: list[Status] = []
        for contract in self._contracts(genes):
            hopeless = self._is_hopeless(contract)
            found = Status.INFEASIBLE if hopeless else self._nearest(genes, contract, ask(genes, contract))
            if isinstance(found, Plan):
                return replace(found, changed=tuple(dict.fromkeys(finding.rule for finding in broken)))
            ended.append(found)
        stopped = [status for status in ended if status is not Status.INFEASIBLE]
        if stopped:
            return Infeasible(broken, reason=stopped[0].value)
        for contract in self._contracts(genes):  # bounds are checked a little less exactly than the solver holds them
            hopeless = self._is_hopeless(contract)
            found = Status.INFEASIBLE if hopeless else self._nearest(genes, contract, ask(genes, contract), loose=True)
            if isinstance(found, Plan):
                return replace(found, changed=tuple(dict.fromkeys(finding.rule for finding in broken)))
        own = self.planning.encoding.contracts[int(genes[-1])]
        return Infeasible(broken, self.explain(own), others=self._elsewhere(own))

    def frugal(self, terms: Callable[[str], dict[Term, float]]) -> tuple[Configuration, float] | Infeasible:
        """Return the plan that makes a linear expression least under today's contract, and its value.

        Where the rules leave none the other contracts that may be chosen follow in their order; `terms`: the
        expression under a contract.
        """
        own, *others = self._contracts(self.planning.encoding.today)
        first = self.least(terms(own), own)
        if not isinstance(first, Infeasible):
            return first
        for contract in others if first.explanation is None or self._hangs_on_contract(first.explanation) else ():
            found = self.least(terms(contract), contract)
            if not isinstance(found, Infeasible):
                return found
        return Infeasible((), first.explanation, first.reason, self._elsewhere(own) if first.explanation else ())

    def most_frugal(self, terms: Callable[[str], dict[Term, float]]) -> tuple[Configuration, float] | Infeasible:
        """Return the plan that makes a linear expression least under any contract that may be chosen, and its value."""
        first = self.frugal(terms)
        if isinstance(first, Infeasible):
            return first
        others = [contract for contract in self.planning.encoding.contracts if contract != first[0].contract]
        found = [self.least(terms(contract), contract) for contract in others]
        return min((first, *(one for one in found if not isinstance(one, Infeasible))), key=lambda one: one[1])

    def least(self, terms: dict[Term, float], contract: str) -> tuple[Configuration, float] | Infeasible:
        """Return the plan that makes a linear expression least under a contract, and its value."""
        found = LeastSpending(self.planning, contract, self._gap).solve(terms)
        if found is Status.INFEASIBLE:
            found = LeastSpending(self.planning, contract, self._gap, loose=ROUNDING).solve(terms)
        if isinstance(found, Status):
            explanation = self.explain(contract) if found is Status.INFEASIBLE else None
            return Infeasible((), explanation, found.value)
        genes, value = found
        genes[-1] = self.planning.encoding.contracts.index(contract)
        return self.planning.encoding.configuration(genes), value

    def explain(self, contract: str) -> Explanation:
        """Return why there is no plan under a contract: what conflicts, and the smallest relaxations."""
        with self._lock:
            if contract not in self._explained:
                self._explained[contract] = explained(self.planning, contract)
            return self._explained[contract]

    def _elsewhere(self, own: str) -> tuple[Explanation, ...]:
        """Return why there is no plan under the contracts other than one, where that is for other reasons."""
        here = self.explain(own)
        if not self._hangs_on_contract(here):
            return ()
        others = (self.explain(contract) for contract in self.planning.encoding.contracts if contract != own)
        return tuple(other for other in others if other.lines != here.lines)

    def _hangs_on_contract(self, explanation: Explanation) -> bool:
        """Say whether a conflict may not be one under another contract: prices are all that a contract changes."""
        budgets = {rule.rule for rule in self.planning.instance.rules if rule.kind == "budget"}
        return not explanation.conflict or any(rule in budgets for rule, _ in explanation.conflict)

    def asked(self, genes: Genes, contract: str) -> Aims:
        """Return a proposal's weights, and the part of each budget it is to use.

        It is to use no more of a budget than its target, and no less than that or than it uses itself: what it would
        spend on one thing does not go with what another rule takes from it. How much the latter counts differs, by
        budget and proposal, as much as genes do. For every other proposal one budget is firm: what most of its plans
        use hangs on who is there, and only plans that give up much for it come near the least that any plan uses.
        """
        random = np.random.Generator(np.random.Philox(key=_key(genes)))
        weights, most = weights_of(self.planning, random), self._targets(random, self.least_use(contract))
        thrift = THRIFT * np.exp(random.uniform(-WEIGHT_SPREAD, WEIGHT_SPREAD, len(most)))
        with self._model(contract) as model:
            used = model.use(state_of(self.planning, self.planning.encoding.configuration(genes)))
        most, least = rounded(most), rounded(np.minimum(most, used))
        return Aims(rounded(weights), most, _prices(random, len(most)), least, rounded(thrift))

    def _even(self, _genes: Genes, contract: str) -> Aims:
        with self._model(contract) as model:
            none = np.zeros(len(model.budgets))
        return Aims(np.ones(self.planning.encoding.decided), none + 1.0, none + OVERSHOOT, none, none)

    def _is_hopeless(self, contract: str) -> bool:
        """Say whether it is known that the rules leave no plan under a contract."""
        known = self._explained.get(contract)
        return known is not None and bool(known.conflict) and known.is_proven

    def _genes(self, proposal: Configuration) -> Genes:
        encoding = self.planning.encoding
        genes = encoding.genes(proposal)
        if proposal.contract not in encoding.contracts:
            genes[-1] = encoding.today[-1]
        return np.clip(genes, encoding.low, encoding.high)

    def _contracts(self, genes: Genes) -> list[str]:
        """Return the contracts that may be chosen, the proposal's first."""
        contracts = self.planning.encoding.contracts
        own = contracts[int(genes[-1])]
        return [own, *(contract for contract in contracts if contract != own)]

    def _nearest(self, genes: Genes, contract: str, aims: Aims, *, loose: bool = False) -> Plan | Status:
        """Return the nearest plan; where many pools may be full or not, by the cheapest of three models that has one.

        First with the pools full that are so in the proposal, then those that are so today, then with that decided.
        """
        encoding = self.planning.encoding
        status = Status.INFEASIBLE
        attempts = ((genes, False), (encoding.today, False), (genes, True))
        with self._model(contract) as model:
            decides = model.choices <= FEW_CHOICES
        for full, exact in attempts[-1:] if decides else attempts:
            state = state_of(self.planning, encoding.configuration(full))
            with self._model(contract, exact=exact, loose=loose) as model:
                found = model.solve(genes, aims, state)
            if isinstance(found, Status):
                status = found
                continue
            found.genes[-1] = encoding.contracts.index(contract)
            plan = encoding.configuration(found.genes)
            if not violations(self.planning, plan):
                return Plan(plan, content_key(plan), gap=found.gap)
            status = Status.ROUNDING
        return status

    def _targets(self, random: np.random.Generator, least_use: Floats) -> Floats:
        """Return the part of each budget a proposal is to use.

        A proposal is frugal or generous with all of them at once: were they drawn apart, the least would rule all.
        Those below what any plan uses are stretched into the range that can be used.
        """
        least = np.maximum(LEAST_TARGET, least_use)
        middle = random.uniform(LEAST_TARGET, 1.0)
        apart = random.uniform(-TARGET_SPREAD, TARGET_SPREAD, len(least))
        aims = np.clip(middle + apart, LEAST_TARGET, 1.0)
        stretched: Floats = least + (1.0 - least) * (aims - LEAST_TARGET) / (1.0 - LEAST_TARGET)
        return stretched

    def least_use(self, contract: str) -> Floats:
        """Return the least part of each budget that a plan uses [budget of the contract's model]."""
        with self._lock:
            if contract not in self._least_use:
                with self._model(contract) as model:
                    self._least_use[contract] = self._uses(model, contract)
            return self._least_use[contract]

    def _uses(self, model: NearestPlan, contract: str) -> Floats:
        if model.choices <= FEW_CHOICES:
            solver = LeastSpending(self.planning, contract, LEAST_USE_GAP)
            found = [solver.solve(scaled(row.terms, 1.0 / row.bound)) for row in model.budgets]
            return np.array([0.0 if isinstance(one, Status) else min(1.0, one[1]) for one in found])
        return np.array([self._low_use(model, budget) for budget in range(len(model.budgets))])

    def _low_use(self, model: NearestPlan, budget: int) -> float:
        """Return the least part of a budget that a plan is known to use, 0 when none is found.

        Which pools are full is first as where there is least of everything, then as in the last plan found, which
        stays a plan, so that each round is as good as the last. Deciding it takes fifty times as long.
        """
        encoding = self.planning.encoding
        none = np.zeros(len(model.budgets))
        price = none.copy()
        price[budget] = 1.0
        cheapest = Aims(np.zeros(encoding.decided), none, price, none, none)
        fewest = encoding.today.copy()
        fewest[encoding.shares : encoding.decided] = encoding.low[encoding.shares : encoding.decided]
        state, least = state_of(self.planning, encoding.configuration(fewest)), inf
        for _ in range(LEAST_USE_ROUNDS):
            found = model.solve(encoding.today, cheapest, state)
            if isinstance(found, Status):
                break
            state = state_of(self.planning, encoding.configuration(found.genes))
            used, before = float(model.use(state)[budget]), least
            least = min(least, used)
            if used >= before - LEAST_USE_GAP:
                break
        return min(1.0, least) if least < inf else 0.0

    @contextmanager
    def _model(self, contract: str, *, exact: bool = False, loose: bool = False) -> Iterator[NearestPlan]:
        """Lend a model that nobody else is using, built where there is none: as many as are used at once."""
        idle = self._idle.setdefault((contract, exact, loose), [])
        try:
            model = idle.pop()
        except IndexError:
            part = ROUNDING if loose else 0.0
            model = NearestPlan(self.planning, contract, self._gap, exact=exact, loose=part)
        try:
            yield model
        finally:
            idle.append(model)


def weights_of(planning: Planning, random: np.random.Generator) -> Floats:
    """Return the weights [share and capacity gene] of one proposal, all positive.

    They differ greatly on purpose. A distance in absolute values moves few genes, those that gain most for what they
    cost: with like weights the widest pool of a basin would take every change of every proposal. So a gene has its own
    factor, and the mixes and capacities of each territory have theirs: log-uniform, the most common law that prefers
    no size. In the middle the mixes of a territory weigh as its capacities do together, however many there are of
    each: there are often more shares than capacities, and always the capacities would yield to the mix. Units that
    serve several territories weigh as often: were they as cheap to move as those of one, they would always follow.
    """
    encoding = planning.encoding
    blocks = int(encoding.block.max(initial=0)) + 1
    own = random.uniform(-WEIGHT_SPREAD, WEIGHT_SPREAD, encoding.decided)
    common = random.uniform(-WEIGHT_SPREAD, WEIGHT_SPREAD, (2, blocks))
    is_capacity = (np.arange(encoding.decided) >= encoding.shares).astype(np.int64)
    block = encoding.block[: encoding.decided]
    moves = (encoding.low < encoding.high)[: encoding.decided]
    shares, capacities = (np.bincount(block[moves & (is_capacity == kind)], minlength=blocks) for kind in (0, 1))
    balance = MOVED_TWICE * np.maximum(1, capacities) / np.maximum(1, shares)
    weights: Floats = np.exp(own + common[is_capacity, block]) * np.where(is_capacity == 1, 1.0, balance[block])
    for pool, served in zip(planning.pools, planning.pool_territories, strict=True):
        weights[encoding.shares + np.array(pool.rows, dtype=np.int64)] *= len(served)
    return weights


def _prices(random: np.random.Generator, budgets: int) -> Floats:
    """Return what each unit of use beyond its target costs [budget]: one budget is firm for every other proposal."""
    prices = np.full(budgets, OVERSHOOT)
    firm = int(random.integers(max(1, 2 * budgets)))
    prices[firm : firm + 1] = FIRM  # none where the number is beyond the last budget
    return prices


def _key(genes: Genes) -> int:
    return int.from_bytes(sha256(genes.astype("<i8").tobytes()).digest()[:16], "little")
