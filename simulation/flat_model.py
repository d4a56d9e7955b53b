"""The flat, integer-indexed model of one component: what both engines read, and nothing else.

A *context* is a (step, profile) pair, row `step * profiles + profile` of `contexts`; its services, routes
and hazard rows are slices of the tables beside. Profiles, steps, resources are indexed over the whole
instance; zones and pools within the component. Times are in the instance's unit, rates per that unit.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

CONTEXT = np.dtype(
    [
        ("law", np.int64),
        ("a", np.float64),
        ("b", np.float64),
        ("c", np.float64),
        ("patience", np.float64),  # inf: for ever
        ("gate", np.int32),  # resource; -1: none
        ("amount", np.int32),
        ("level", np.int32),  # rank of the priority, 0 first
        ("queue_limit", np.int32),  # -1: none
        ("on_break", np.int32),  # step; -1: leaves
        ("hold", np.int32),
        ("service_start", np.int32),
        ("service_end", np.int32),
        ("route_start", np.int32),
        ("route_end", np.int32),
        ("stay_start", np.int32),  # hazard rows of the stay
        ("stay_end", np.int32),
        ("wait_start", np.int32),  # hazard rows while waiting for this step
        ("wait_end", np.int32),
    ],
    align=True,
)
SERVICE = np.dtype(
    [
        ("onset", np.float64),
        ("keep", np.float64),
        ("resource", np.int32),
        ("slot", np.int32),
        ("amount", np.int32),
        ("level", np.int32),
        ("leads_to", np.int32),  # step; -1: nowhere
    ],
    align=True,
)
ROUTE = np.dtype(
    [
        ("cumulative", np.float64),
        ("mark_time", np.float64),
        ("law", np.int64),
        ("a", np.float64),
        ("b", np.float64),
        ("c", np.float64),
        ("to", np.int32),
        ("profile", np.int32),  # new profile; -1: as before
        ("mark", np.int32),  # -1: none
    ],
    align=True,
)
HAZARD = np.dtype(
    [
        ("rate", np.float64),  # nan: a row that only multiplies
        ("factor", np.float64),
        ("mark_time", np.float64),
        ("hazard", np.int32),
        ("slot", np.int32),  # only while this service is held past its onset; -1: always
        ("mark_needed", np.int32),  # only while this mark is carried; -1: always
        ("to", np.int32),  # -1: the stay runs on
        ("profile", np.int32),
        ("mark", np.int32),
    ],
    align=True,
)

IntArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float64]
RowArray = npt.NDArray[np.void]


@dataclass(frozen=True)
class FlatModel:
    """What an instance says about one component, whatever the configuration.

    Shapes: S steps, P profiles, R resources, Z zones of the component, Q its pools, W pathways, K service
    slots (distinct resources served), H hazards, M marks, L priority levels, N distinct step names.
    """

    territories: IntArray  # [Z] index among instance.territories
    group: npt.NDArray[np.uint64]  # [Z, P] key of (zone, profile) in the streams
    profiles: int
    pathways: int
    levels: int
    resources: int
    contexts: RowArray  # [S * P]
    services: RowArray
    routes: RowArray
    hazards: RowArray
    step_codes: tuple[tuple[str, str], ...]  # [S] (pathway, step)
    step_pathway: IntArray  # [S]
    step_anchor: IntArray  # [S]
    step_exit: IntArray  # [S]
    step_name: IntArray  # [S] index among distinct step names
    name_purpose: npt.NDArray[np.uint64]  # [N]
    hazard_names: tuple[str, ...]
    hazard_purpose: npt.NDArray[np.uint64]  # [H]
    mark_names: tuple[str, ...]
    slot_resource: IntArray  # [K]
    entry: IntArray  # [W] entry step
    orientation_purpose: npt.NDArray[np.uint64]  # [W]
    acceptance_purpose: npt.NDArray[np.uint64]  # [W]
    acceptance: FloatArray  # [Z, P, W]
    fallback: IntArray  # [Z, P, W] pathway of refusers; -1: none
    pool_of: IntArray  # [Z, R] -1: none
    pool_resource: IntArray  # [Q]
    pool_global: IntArray  # [Q] index in components.pools(instance)
    pool_turnover: FloatArray  # [Q]
    neighbour_start: IntArray  # [Q + 1] slices of `neighbours`
    neighbours: IntArray  # pools a full pool may overflow to, nearest first
    warm_up: float
    run: float
    rollout: float
    drain: bool


@dataclass(frozen=True)
class FlatPlan:
    """What a configuration says about one component: mixes, capacities at first and when they change."""

    share: FloatArray  # [Z, P, W]
    capacity: IntArray  # [Q] before any change
    change_time: FloatArray  # [changes] sorted
    change_pool: IntArray
    change_capacity: IntArray
