"""One expected LP file per rule kind, on two zones; `python -m tests.optimisation.test_expected_lp` records them anew.

The flows are round numbers made up here, so that a file only changes when a rule, or what ties the variables
together, does. Read them with the model's description (optimisation/feasibility/MODEL.md).
"""

import io
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pyomo.environ as pyo
import pytest
from pyomo.repn.plugins.lp_writer import LPWriter

from instances.tables.rules import RuleKind
from optimisation import feasibility
from optimisation.feasibility.planning import Planning
from optimisation.feasibility.rules import inequalities
from optimisation.feasibility.variables import Variables
from simulation.fluid import FluidFlows, fluid_flows
from tests.optimisation.conftest import valley_with
from tests.optimisation.test_rules import EXAMPLES

EXPECTED = Path(__file__).parent / "expected_lp"
KINDS = get_args(RuleKind)


def round_flows(instance) -> FluidFlows:
    """Return flows with figures easy to follow, over a run of 1,000 days.

    Each person of the town counts 100, of the hills 50; a person on the supported pathway keeps a helper for half the
    run; the usual one needs a bed for a fiftieth of it, the supported one for a hundredth. A bed-day costs the
    insurance 300 and a household 20, a day of help a household 3; the hospital bears 60 a bed-day.
    """
    flows, run = fluid_flows(instance), instance.settings.horizon.run
    people = np.array([100.0 if zone == 0 else 50.0 for zone, _, _ in flows.cells])
    supported = np.array([float(pathway == 1) for _, _, pathway in flows.cells])
    bed, helper = people * run * (0.02 - 0.01 * supported), people * run * 0.5 * supported
    tied = np.zeros_like(flows.revenue_tied)
    tied[0, :, 0, 0], tied[0, :, 1, 0], tied[0, :, 1, 1] = 300.0 * bed, 20.0 * bed, 3.0 * helper
    borne = np.zeros_like(flows.cost_tied)
    borne[:, 0, 0] = 60.0 * bed
    return replace(
        flows,
        starts=np.array([[100.0, 100.0], [50.0, 50.0]]),
        use=np.column_stack([bed, helper]),
        revenue_free=np.zeros_like(flows.revenue_free),
        revenue_tied=tied,
        cost_free=np.zeros_like(flows.cost_free),
        cost_tied=borne,
    )


def lp_of(kind: str) -> str:
    instance = valley_with(*EXAMPLES[kind])
    planning = Planning(instance, round_flows(instance))
    rows = tuple(inequalities(planning, "today"))
    variables = Variables(planning, rows, exact=True)
    variables.add_rules(rows)
    variables.model.nothing = pyo.Objective(expr=variables.model.never)
    written = io.StringIO()
    LPWriter().write(variables.model, written, symbolic_solver_labels=True)
    return written.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_model_is_as_expected(kind):
    assert lp_of(kind) == (EXPECTED / f"{kind}.lp").read_text(encoding="utf-8")


def test_every_kind_has_a_file_and_every_file_a_kind():
    assert {path.stem for path in EXPECTED.glob("*.lp")} == set(KINDS)


def test_the_written_model_names_every_kind_and_attribute():
    written = (Path(feasibility.__path__[0]) / "MODEL.md").read_text(encoding="utf-8")
    assert all(f"| `{kind}` |" in written for kind in KINDS)
    instance = valley_with(*(rule for rules in EXAMPLES.values() for rule in rules))
    model = Variables(Planning(instance), tuple(inequalities(Planning(instance), "today")), exact=True).model
    names = {variable.name for variable in model.component_objects(pyo.Var)} - {"never", "usable", "spare"}
    assert all(f"`model.{name}`" in written for name in names), names


if __name__ == "__main__":
    EXPECTED.mkdir(exist_ok=True)
    for name in KINDS:
        (EXPECTED / f"{name}.lp").write_text(lp_of(name), encoding="utf-8")
