"""Two models of health economics written as instances, and the exact continuous-time chains of the same rates.

Sick-Sicker: Alarid-Escudero and others, An introductory tutorial on cohort state-transition models in R, Medical
Decision Making 43 (2023). HIV: Chancellor and others, Modelling the cost effectiveness of lamivudine/zidovudine
combination therapy in HIV infection, PharmacoEconomics 12 (1997), as in Briggs, Claxton, Sculpher, Decision
Modelling for Health Economic Evaluation (2006). States of health are profiles; every rate is per year.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.linalg import expm

from instances.instance import Instance
from tests.simulation.written_instances import Row, read_back

YEAR = 365.25
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Chain:
    """A continuous-time chain in which everyone starts in the first state; the last state is death.

    phases: (years, rates between states per year, money per year in each state alive, utility of each) in turn.
    """

    phases: Sequence[tuple[float, FloatArray, FloatArray, FloatArray]]
    discount_cost: float
    discount_health: float

    @cached_property
    def expected(self) -> Mapping[str, float]:
        """Discounted cost, discounted QALYs and life-years per person, exactly.

        The integral of p(0) exp(Q t) (1 + r)^-t over a phase is p(0) (exp(M T) - 1) M^-1 with M = Q - log(1 + r) 1,
        on the states alive, where M has an inverse.
        """
        return {
            "cost": self._integral(lambda money, utility: money, self.discount_cost),
            "qaly": self._integral(lambda money, utility: utility, self.discount_health),
            "life_years": self._integral(lambda money, utility: np.ones(len(utility)), 0.0),
        }

    def _integral(self, of, rate: float) -> float:
        whole, alive, began = 0.0, None, 0.0
        for years, rates, money, utility in self.phases:
            living = generator(rates)[:-1, :-1]
            start = np.eye(len(living))[0] if alive is None else alive
            shrinking = living - np.log1p(rate) * np.eye(len(living))
            stay = start @ (expm(shrinking * years) - np.eye(len(living))) @ np.linalg.inv(shrinking)
            whole += (1.0 + rate) ** -began * float(stay @ of(money, utility))
            alive, began = start @ expm(living * years), began + years
        return whole


def generator(rates: FloatArray) -> FloatArray:
    """Return rates between states with the diagonal that makes each row sum to 0."""
    off = rates - np.diag(np.diag(rates))
    return off - np.diag(off.sum(axis=1))


# Sick-Sicker.

SICK_SICKER_YEARS = 75.0
SICK_SICKER_PEOPLE = 2000
STRATEGIES = ("standard", "a", "b", "ab")
STATES = ("healthy", "sick", "sicker")
COSTS = {"healthy": 2000.0, "sick": 4000.0, "sicker": 15000.0}
TREATMENT = {"standard": 0.0, "a": 12000.0, "b": 13000.0, "ab": 25000.0}
B_RATIO, A_UTILITY = 0.6, 0.95
UTILITY = {"healthy": 1.0, "sick": 0.75, "sicker": 0.5}
GETS_SICK, RECOVERS, WORSENS = 0.15, 0.5, 0.105
DEATH = {"healthy": 0.002, "sick": 0.002 * 3.0, "sicker": 0.002 * 10.0}


def sick_sicker_chain(strategy: str) -> Chain:
    """The chain of one strategy."""
    worsens = WORSENS * (B_RATIO if "b" in strategy else 1.0)
    rates = np.zeros((4, 4))
    rates[0, 1], rates[1, 0], rates[1, 2] = GETS_SICK, RECOVERS, worsens
    rates[:3, 3] = [DEATH[state] for state in STATES]
    money = np.array([COSTS[state] + (TREATMENT[strategy] if state != "healthy" else 0.0) for state in STATES])
    utility = np.array([UTILITY[state] for state in STATES])
    if strategy in ("a", "ab"):
        utility[1] = A_UTILITY
    return Chain([(SICK_SICKER_YEARS, rates, money, utility)], 0.03, 0.03)


def sick_sicker_as_published(strategy: str) -> tuple[float, float]:
    """Cost and QALYs per person of the published model: yearly cycles, weights after Simpson's 1/3 rule.

    The weights are the tutorial's: 2/3 for odd cycles, 4/3 for even ones.
    """
    (_, rates, money, utility), cycles = sick_sicker_chain(strategy).phases[0], int(SICK_SICKER_YEARS)
    moves = 1.0 - np.exp(-rates)
    moves[:, :3] *= 1.0 - moves[:, 3:]  # death first
    moves += np.diag(1.0 - moves.sum(axis=1))
    alive = [np.linalg.matrix_power(moves, cycle)[0, :3] for cycle in range(cycles + 1)]
    inner = [2.0 if cycle % 2 else 4.0 for cycle in range(1, cycles)]
    weights = np.array([1.0, *inner, 1.0]) / 3.0 * 1.03 ** -np.arange(cycles + 1.0)
    return float(weights @ (alive @ money)), float(weights @ (alive @ utility))


def sick_sicker(strategy: str) -> Instance:
    """The instance in which everyone is offered one strategy: a pathway each, the treated ones on top of the first."""
    moves: list[Row] = [
        {"pathway": "standard", "step": "living", "profile": "healthy", "hazard": "sickness", "rate": GETS_SICK,
         "new_profile": "sick"},
        {"pathway": "standard", "step": "living", "profile": "sick", "hazard": "recovery", "rate": RECOVERS,
         "new_profile": "healthy"},
        {"pathway": "standard", "step": "living", "profile": "sick", "hazard": "worsening", "rate": WORSENS,
         "new_profile": "sicker"},
        *({"pathway": "standard", "step": "living", "profile": state, "hazard": "death", "rate": DEATH[state],
           "to": "dead"} for state in STATES),
        *({"pathway": treated, "step": "living", "hazard": "worsening", "factor": B_RATIO} for treated in ("b", "ab")),
    ]  # fmt: skip
    steps: list[Row] = [
        {"pathway": "standard", "step": "living", "setting": "home"},
        {"pathway": "standard", "step": "dead", "setting": "exit", "utility": 0},
        *({"pathway": treated, "step": "living", "profile": "sick", "setting": "home",
           "utility": repr(A_UTILITY / UTILITY["sick"])} for treated in ("a", "ab")),
    ]  # fmt: skip
    costs: list[Row] = [_yearly("living", state, COSTS[state]) for state in STATES]
    costs += [
        _yearly(f"{treated}/living", state, TREATMENT[treated])
        for treated in STRATEGIES[1:]
        for state in ("sick", "sicker")
    ]
    tables = _tables(
        profiles=[{"profile": state, "utility": UTILITY[state]} for state in STATES],
        people={"healthy": SICK_SICKER_PEOPLE, "sick": 0, "sicker": 0},
        pathways=[
            {"pathway": "standard", "entry": "living"},
            *({"pathway": treated, "base": "standard", "entry": "living"} for treated in STRATEGIES[1:]),
        ],
        offered=strategy,
    )
    rows = {**tables, "steps": steps, "moves": moves, "costs": costs}
    return read_back(rows, {"warm_up": 0.0, "run": SICK_SICKER_YEARS * YEAR}, economics={"discount_rate": 0.03})


# HIV.

HIV_YEARS = 20.0
HIV_PEOPLE = 3000
HIV_STATES = ("a", "b", "c")
COUNTS = np.array([[1251.0, 350.0, 116.0, 17.0], [0.0, 731.0, 512.0, 15.0], [0.0, 0.0, 1312.0, 437.0], [0, 0, 0, 1.0]])
RISK_RATIO, COMBINED_YEARS = 0.509, 2.0
CARE = np.array([1701.0 + 1055.0, 1774.0 + 1278.0, 6948.0 + 2059.0])
ZIDOVUDINE, LAMIVUDINE = 2278.0, 2086.50


def yearly_probabilities(ratio: float) -> FloatArray:
    """Return the yearly transition probabilities, every worsening multiplied by a relative risk."""
    shares = COUNTS / COUNTS.sum(axis=1, keepdims=True)
    worse = ratio * np.triu(shares, 1)
    return worse + np.diag(1.0 - worse.sum(axis=1))


def hiv_chain(therapy: str) -> Chain:
    """The chain of one therapy, the yearly probabilities of another state read as rates per year.

    (Their matrix logarithm would meet the yearly model exactly, but is no generator: it has negative rates.)
    """
    alone = (HIV_YEARS, np.triu(yearly_probabilities(1.0), 1), CARE + ZIDOVUDINE, np.ones(3))
    if therapy == "monotherapy":
        return Chain([alone], 0.06, 0.0)
    rates = np.triu(yearly_probabilities(RISK_RATIO), 1)
    both = (COMBINED_YEARS, rates, CARE + ZIDOVUDINE + LAMIVUDINE, np.ones(3))
    return Chain([both, (HIV_YEARS - COMBINED_YEARS, *alone[1:])], 0.06, 0.0)


def hiv(therapy: str) -> Instance:
    """The instance in continuous time: hazards; lamivudine is a step of two years before the other."""
    steps: list[Row] = [{"step": "alone", "setting": "home"}]
    moves = _hazards("alone", yearly_probabilities(1.0))
    if therapy == "combination":
        steps.insert(0, {"step": "both", "setting": "home", "distribution": "fixed", "mean": COMBINED_YEARS * YEAR})
        moves += _hazards("both", yearly_probabilities(RISK_RATIO))
        moves.append({"step": "both", "to": "alone", "probability": 1})
    return _hiv_instance(therapy, steps, moves, treated=("both",))


def yearly_hiv(therapy: str) -> Instance:
    """The instance as published: a step lasts a year, at its end people are drawn to the next with a new state."""
    alone, both = yearly_probabilities(1.0), yearly_probabilities(RISK_RATIO)
    year = {"setting": "home", "distribution": "fixed", "mean": YEAR}
    steps: list[Row] = [{"step": "alone", **year}]
    moves = _draws("alone", "alone", alone)
    if therapy == "combination":
        steps = [{"step": "first", **year}, {"step": "second", **year}, *steps]
        moves += _draws("first", "second", both) + _draws("second", "alone", both)
    return _hiv_instance(therapy, steps, moves, treated=("first", "second"))


def _hiv_instance(therapy: str, steps: Sequence[Row], moves: Sequence[Row], treated: Sequence[str]) -> Instance:
    costs = [
        _yearly(str(row["step"]), state, float(care) + ZIDOVUDINE + (LAMIVUDINE if row["step"] in treated else 0.0))
        for row in steps
        for state, care in zip(HIV_STATES, CARE, strict=True)
    ]
    tables = _tables(
        profiles=[{"profile": state, "utility": 1} for state in HIV_STATES],
        people={"a": HIV_PEOPLE, "b": 0, "c": 0},
        pathways=[{"pathway": therapy, "entry": steps[0]["step"]}],
        offered=therapy,
    )
    dead = {"step": "dead", "setting": "exit", "utility": 0}
    rows = {
        **tables,
        "steps": [{"pathway": therapy, **row} for row in (*steps, dead)],
        "moves": [{"pathway": therapy, **row} for row in moves],
        "costs": costs,
    }
    return read_back(rows, {"warm_up": 0.0, "run": HIV_YEARS * YEAR}, economics={"discount_rate": 0.06})


def _hazards(step: str, rates: FloatArray) -> list[Row]:
    moves: list[Row] = []
    for i, state in enumerate(HIV_STATES):
        for j in range(i + 1, 4):
            worse = {"hazard": "death", "to": "dead"}
            if j < 3:
                worse = {"hazard": f"to_{HIV_STATES[j]}", "new_profile": HIV_STATES[j]}
            moves.append({"step": step, "profile": state, "rate": repr(float(rates[i, j])), **worse})
    return moves


def _draws(step: str, following: str, probabilities: FloatArray) -> list[Row]:
    moves: list[Row] = []
    for i, state in enumerate(HIV_STATES):
        for j in range(i, 4):
            where = {"to": "dead"} if j == 3 else {"to": following, "new_profile": HIV_STATES[j]}
            moves.append({"step": step, "profile": state, "probability": repr(float(probabilities[i, j])), **where})
    return moves


def alive_as_published(therapy: str) -> FloatArray:
    """The share of people in each state alive at the end of each year of the published model [years, states]."""
    alive, shares = np.eye(4)[0], []
    for year in range(int(HIV_YEARS)):
        is_treated = therapy == "combination" and year < COMBINED_YEARS
        alive = alive @ yearly_probabilities(RISK_RATIO if is_treated else 1.0)
        shares.append(alive[:3])
    return np.array(shares)


# What both have in common.


def _yearly(step: str, profile: str, amount: float) -> Row:
    return {
        "provider": "clinic", "subject": f"step:{step}", "profile": profile, "basis": "day",
        "amount": repr(float(amount) / YEAR),
    }  # fmt: skip


def _tables(
    *, profiles: Sequence[Row], people: Mapping[str, int], pathways: Sequence[Row], offered: str
) -> dict[str, Sequence[Row]]:
    return {
        "zones": [{"zone": "here", "name": "Here", "level": "territory"}],
        "providers": [{"id": "clinic", "name": "Clinic"}],
        "resources": [{"resource": "clinic", "name": "Nobody's", "kind": "place", "level": "territory"}],
        "capacities": [{"zone": "here", "resource": "clinic", "provider": "clinic", "current": 0, "minimum": 0,
                        "maximum": 0, "lot": 1}],
        "profiles": profiles,
        "needs": [{"zone": "here", "profile": name, "initial": count, "arrivals": 0} for name, count in people.items()],
        "pathways": pathways,
        "offers": [
            {"profile": name, "pathway": row["pathway"], "current": float(row["pathway"] == offered)}
            for name in people
            for row in pathways
        ],
    }  # fmt: skip
