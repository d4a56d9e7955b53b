"""What a draw of uncertain parameters never varies: decisions, rules, and what is asked or observed.

A replication may carry drawn parameters (simulation T13); every configuration is judged under the same draws. What
a configuration decides (shares, units, their limits, when they act, ranks in waiting lists), what it is bound by
(rules, horizon, economic settings), what it is judged on (objectives, breaks, observations) and the population that
figures are given per therefore keep the values stated by the instance, its scenario and the caller, even where a
cell names an uncertain parameter. Needs, rates, durations, prices, costs, utilities, acceptance, travel follow a draw.
"""

from collections.abc import Mapping

DECIDED_COLUMNS: Mapping[str, frozenset[str]] = {
    "zones": frozenset({"population"}),
    "capacities": frozenset({"current", "minimum", "maximum", "lot", "opening_minimum", "lead_time"}),
    "offers": frozenset({"current", "minimum", "maximum", "step"}),
    "steps": frozenset({"priority"}),
    "services": frozenset({"priority"}),
}
DECIDED_TABLES = frozenset({"rules", "observations", "breaks", "objectives", "scenarios"})


def is_decided(table: str, column: str) -> bool:
    """Say whether cells of a column keep their stated value under every draw."""
    return table in DECIDED_TABLES or column in DECIDED_COLUMNS.get(table, frozenset())
