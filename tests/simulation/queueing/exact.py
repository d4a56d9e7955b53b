"""Every row of every table of exact values as a case: its system, and what a log must show of it."""

from dataclasses import replace

from tests.simulation.queueing.agreement import Case
from tests.simulation.queueing.census import mginf, mt_g_inf, mt_m_c, treatment_centre_triage
from tests.simulation.queueing.impatience_and_priority import (
    erlang_a,
    mg1_plus_d,
    mg1_priority,
    mmc_plus_d,
    mmc_priority,
)
from tests.simulation.queueing.losses import erlang_b, kaufman_roberts, mmck, overflow_two_wards
from tests.simulation.queueing.networks import closed_networks, jackson, tandem_blocking, two_wards_blocking
from tests.simulation.queueing.single_stations import mg1, mgc, mmc

TABLES = {
    "mmc": mmc,
    "mg1": mg1,
    "mgc": mgc,
    "mmck": mmck,
    "erlang_b": erlang_b,
    "erlang_a": erlang_a,
    "mmc_plus_D": mmc_plus_d,
    "mg1_plus_D": mg1_plus_d,
    "mg1_priority": mg1_priority,
    "mmc_priority_nonpreemptive": mmc_priority,
    "jackson": jackson,
    "closed_networks": closed_networks,
    "kaufman_roberts": kaufman_roberts,
    "overflow_two_wards": overflow_two_wards,
    "two_wards_blocking": two_wards_blocking,
    "tandem_blocking_saturated": tandem_blocking,
    "mginf": mginf,
    "mt_g_inf": mt_g_inf,
    "mt_m_c": mt_m_c,
    "treatment_centre_triage_exact": treatment_centre_triage,
}
# How many times longer (or shorter) than the rules of thumb above say, for standard errors just small enough.
LENGTHS = {
    **{"mmc03": 0.65, "mmc07": 1.4, "mmc09": 0.6, "mmc11": 0.5, "mmc13": 1.2, "mmc15": 1.1},
    **{"mg1_01": 1.7, "mg1_03": 1.6, "mg1_05": 1.4, "mg1_07": 2.1, "mg1_09": 1.3, "mg1_13": 1.5, "mg1_15": 1.1},
    **{"mdc_0.8_1": 1.1, "mdc_4.5_5": 0.7, "mdc_18.0_20": 1.2, "mE2c_1.6_2": 0.5, "mE2c_8.5_10": 1.1},
    **{"mH2c_1.6_2": 0.6, "mH2c_8.5_10": 1.2},
    **{"mmck11": 1.1, "mmck13": 2.8, "eb05": 1.1, "eb09": 2.3, "eb15": 1.7, "ea07": 2.8, "ea11": 2.4, "ea13": 0.4},
    **{"P1": 0.7, "P5": 0.2, "C3": 1.8, "kr05": 1.2, "kr07": 1.2, "ward02": 1.3},
    **{"J3_feedback1": 1.5, "J5_ed": 11.0, "J9_frailty_chain": 7.0, "closed01": 0.2, "closed03": 0.2, "closed05": 0.2},
    **{"mginf01": 2.6, "mginf03": 9.0, "mginf07": 48.0, "mginf09": 2.5, "mginf11": 10.0},
}


_LONGEST = 3.0  # beyond, there are more replications instead, which takes less memory


def _sized(case: Case) -> Case:
    factor = LENGTHS.get(case.name, 1.0)
    runs = max(1, round(factor / _LONGEST))
    system = replace(case.system, length=case.system.length * factor / runs)
    return replace(case, system=system, replications=case.replications * runs)


CASES = {f"{table} {case.name}": _sized(case) for table, cases in TABLES.items() for case in cases()}
