"""Which plans surely keep their targets, and the cheapest of them."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from instances.tables import Objective
from optimisation.confirmation import deciding
from optimisation.evaluation import Evaluation, Judgement
from optimisation.fronts import nondominated
from optimisation.members import Member, points_of
from simulation.objectives import SPENT
from simulation.targets import MISSED, Keeping, Target, fewest_to_be_sure


class Kept(Protocol):
    """What is asked of a plan."""

    @property
    def kept(self) -> tuple[Keeping, ...]:
        """How likely each target is kept."""

    @property
    def spending(self) -> float:
        """What it costs."""


PlanT = TypeVar("PlanT", bound=Kept)


def spending(judgement: Judgement) -> float:
    """Return what all providers spend over the run, investment included: the mean over replications."""
    return float(judgement.books[..., SPENT].sum(axis=1).mean()) if judgement.books.size else 0.0


def cheapest_that_keeps(plans: Sequence[PlanT]) -> PlanT | None:
    """Return the plan that spends least of those that surely keep every target, of equal ones the first.

    Sure is meant as `Keeping.is_sure`: of many plans near the limit the likeliest of luck would be picked otherwise.
    None where no plan is sure, or nothing is to be kept.
    """
    sure = [plan for plan in plans if plan.kept and all(each.is_sure for each in plan.kept)]
    return min(sure, key=lambda plan: plan.spending, default=None)


def too_few(targets: Sequence[Target], replications: int, deciding_share: float) -> str:
    """Say of which targets no plan can be sure where so many replications are reported; empty: of none.

    Targets are judged on those that were decided on too, `deciding_share` of them as many again.
    """
    judged = len(deciding(replications, deciding_share)) + replications
    said = []
    for target in targets:
        needed = fewest_to_be_sure(target.probability)
        if needed is None:
            said.append(f"that {target} always holds is never sure")
        elif needed > judged:
            enough = (n for n in range(replications, needed + 1) if len(deciding(n, deciding_share)) + n >= needed)
            said.append(
                f"{target} with probability {target.probability:g} can be sure on {needed} replications or more, all "
                f"of which keep it; these are {judged}: ask for --final-replications {next(enough)}"
            )
    return "; ".join(said)


def undecided(
    archive: Sequence[Member], front: Sequence[Member], objectives: Sequence[Objective]
) -> tuple[Member, ...]:
    """Return the plans of an archive that would be on its front but for targets which they may well keep."""
    near = [member for member in archive if _may_keep(member.evaluation)]
    points = points_of([member.evaluation for member in (*near, *front)], objectives)
    return tuple(member for member, is_kept in zip(near, nondominated(points), strict=False) if is_kept)


def _may_keep(evaluation: Evaluation) -> bool:
    judgement = evaluation.judgement
    if judgement is None or not judgement.flags:
        return False
    only_targets = all(flag.startswith(MISSED) for flag in judgement.flags)
    return only_targets and all(kept.is_sure or not kept.is_decided for kept in judgement.kept)
