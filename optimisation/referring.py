"""Plans replicated unequally, referred to the same replications, so that they compare.

Each replication has its own luck and its own draw of the parameters, which move most plans alike, but few as they move
today's offer. What a replication would have given a plan that did not have it is therefore guessed from the plans that
did, today among them: its change since the first replication, which all plans have, is regressed on what the plan was
worth in the first (ridge regression, Hoerl and Kennard 1970, Technometrics 12(1): 55-67, on centred values, so that
with few donors little but their mean change is left; a regression control variate, Lavenberg and Welch 1981,
Management Science 27(3): 322-335, whose coefficients come from other plans instead of other replications).
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from instances.tables import Objective
from optimisation.evaluation import Evaluation
from optimisation.fronts import Floats

RIDGE = 0.2
"""Added to the sums of squares of the values regressed on, which are in widths of their objectives' scales. On archives
of tiny and synthetic-10, between 0.05 and 1 guessed left-out changes about equally well."""


DIGITS = 9
"""Of guesses that count, so that plans alike are as alike on every processor (see `simulation.rounding`)."""


def referred(evaluations: Sequence[Evaluation], today: Evaluation, objectives: Sequence[Objective]) -> list[Evaluation]:
    """Return evaluations as they would stand on today's replications; failures and those that had all as they are.

    All replications are counted from 0; today's evaluation has the most. A judge may have referred some objectives to
    what it knows of today already (`Judgement.referred`): these stay.
    """
    everywhere = _values(today, objectives)
    known = [None if one.judgement is None else _values(one, objectives) for one in evaluations]
    if everywhere is None or all(values is None or len(values) >= len(everywhere) for values in known):
        return list(evaluations)
    donors = [everywhere, *(values for values in known if values is not None)]
    first = np.array([values[0] for values in donors])
    guesses = np.array([_guess(donors, first, number) for number in range(1, len(everywhere))])
    found, coming = [], iter(range(1, len(donors)))
    for evaluation, values in zip(evaluations, known, strict=True):
        if values is None or evaluation.judgement is None:
            found.append(evaluation)
            continue
        missing = guesses[len(values) - 1 :, next(coming)]
        if not len(missing):
            found.append(evaluation)
            continue
        moved = np.vstack([values, missing]).mean(axis=0) - values.mean(axis=0)
        moved[list(evaluation.judgement.referred)] = 0.0
        point = evaluation.judgement.point + moved * _widths(objectives)
        found.append(replace(evaluation, judgement=replace(evaluation.judgement, point=point)))
    return found


def _guess(donors: Sequence[Floats], first: Floats, number: int) -> Floats:
    """Return what a replication would give each plan [plan, objective], from those that had it."""
    had = np.array([len(values) > number for values in donors])
    change = np.array([values[number] - values[0] for values in donors if len(values) > number])
    centre, mean = first[had].mean(axis=0), change.mean(axis=0)
    known = first[had] - centre
    slopes = np.linalg.solve(known.T @ known + RIDGE * np.eye(known.shape[1]), known.T @ (change - mean))
    within = np.clip(first, first[had].min(axis=0), first[had].max(axis=0))  # nothing is known beyond the donors
    guessed: Floats = first + mean + (within - centre) @ slopes
    return np.round(guessed, DIGITS)


def _values(evaluation: Evaluation, objectives: Sequence[Objective]) -> Floats | None:
    """Return values [replication, objective] in widths of their scales."""
    if evaluation.judgement is None:
        return None
    values: Floats = evaluation.judgement.values / _widths(objectives)
    return values


def _widths(objectives: Sequence[Objective]) -> Floats:
    return np.array([row.high - row.low if row.high > row.low else 1.0 for row in objectives])
