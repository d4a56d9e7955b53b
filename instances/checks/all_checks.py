"""Runs every check, each once what it rests on could be read."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from instances.builder import Built
from instances.checks import (
    demand,
    duplicates,
    knowledge,
    laws,
    money,
    pathways,
    references,
    routes,
    rules,
    supply,
    territory,
)
from instances.checks.examined import Check, Examined
from instances.faults import Fault


@dataclass(frozen=True)
class Group:
    """Checks that need the same tables whole; with `in_full`, also that derived pathways can be written out."""

    checks: tuple[Check, ...]
    tables: frozenset[str] = field(default_factory=frozenset)
    in_full: bool = False


PATHWAY_TABLES = frozenset({"pathways", "steps", "services", "moves"})

GROUPS = (
    Group(
        (
            references.unknown_code,
            references.unknown_contract_in_force,
            territory.cyclic_parents,
            territory.parent_not_above,
            territory.not_a_territory,
            supply.capacity_out_of_order,
            supply.limit_between_lots,
            supply.reserved_beyond_current,
            supply.opening_minimum_beyond_maximum,
            supply.resource_without_capacity,
            demand.share_out_of_order,
            demand.share_limit_between_steps,
            demand.fallback_not_another_pathway,
            demand.rhythm_pieces_at_odds,
            laws.law_parameters_at_odds,
            pathways.cyclic_base,
            pathways.move_of_no_kind,
            pathways.move_with_wrong_cells,
            money.basis_does_not_fit,
            money.outcome_without_break,
            money.floor_and_slope_apart,
            money.annuity_incomplete,
            money.nature_of_an_annuity,
            knowledge.parameter_at_odds,
            knowledge.scenario_row_at_odds,
            knowledge.observation_out_of_range,
            knowledge.objective_scale_empty,
            knowledge.target_without_probability,
            knowledge.nothing_optimised,
            knowledge.break_at_odds,
            knowledge.unreadable_indicator,
            rules.rule_incomplete,
            rules.nothing_required,
            rules.payer_and_provider,
            rules.investment_of_a_payer,
            rules.level_and_zone,
            rules.unread_cell,
            rules.contrary_sense,
            rules.level_without_zones,
            duplicates.duplicate_row,
            duplicates.duplicate_move,
        )
    ),
    Group((territory.no_territory, territory.pool_without_zone), frozenset({"zones", "resources"})),
    Group((demand.shares_not_one, demand.profile_without_offer), frozenset({"zones", "profiles", "offers"})),
    Group((pathways.factor_without_hazard,), frozenset({"moves"})),
    Group(
        (
            references.unknown_step,
            references.unknown_step_or_setting_of_break,
            references.unknown_subject,
            pathways.pathway_without_entry,
            pathways.gate_is_not_that_resource,
            pathways.exit_with_aftermath,
        ),
        frozenset({"pathways", "steps", "services"}),
        in_full=True,
    ),
    Group((references.while_names_nothing,), PATHWAY_TABLES, in_full=True),
    Group(
        (money.occupancy_of_nothing, money.provider_unknown_by_capacity),
        frozenset({"pathways", "steps", "capacities"}),
        in_full=True,
    ),
    Group((routes.unreachable_step,), PATHWAY_TABLES, in_full=True),
    Group(
        (
            routes.probabilities_not_one,
            routes.endless_draw,
            routes.step_missing_for_profile,
            routes.no_way_out,
            routes.circle_without_time,
        ),
        PATHWAY_TABLES | {"offers", "profiles"},
        in_full=True,
    ),
)


def faults_between_tables(built: Built, unread: frozenset[str]) -> tuple[Fault, ...]:
    """Run every check whose tables could be read; `unread` could not, not even in part."""
    return tuple(_faults(Examined(built, unread)))


def _faults(examined: Examined) -> Iterator[Fault]:
    for group in GROUPS:
        if group.tables & examined.broken or (group.in_full and not examined.has_sound_bases):
            continue
        for check in group.checks:
            yield from check(examined)
