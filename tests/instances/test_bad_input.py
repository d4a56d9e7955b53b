# ruff: noqa: E501 (the cases read as a table: one a line)
"""Bad input: each fault is found, with its place and what was expected; all faults are listed at once."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from instances.catalogue import load_instance
from instances.faults import Fault, InvalidInstance

Spoil = Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """A way to spoil the mini instance, and the one fault that must follow."""

    name: str
    spoil: Spoil
    place: str
    says: str


def replaced(table: str, old: str, new: str) -> Spoil:
    def spoil(folder: Path) -> None:
        path = folder / table
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{table} has {old!r} {text.count(old)} times"
        path.write_text(text.replace(old, new), encoding="utf-8")

    return spoil


def added(table: str, line: str) -> Spoil:
    def spoil(folder: Path) -> None:
        with (folder / table).open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    return spoil


def both(one: Spoil, other: Spoil) -> Spoil:
    def spoil(folder: Path) -> None:
        one(folder)
        other(folder)

    return spoil


def removed(table: str) -> Spoil:
    return lambda folder: (folder / table).unlink()


def written(table: str, content: bytes) -> Spoil:
    def spoil(folder: Path) -> None:
        (folder / table).write_bytes(content)

    return spoil


# The hazard could lead out of the circle, but has no time to strike.
IN_LIMBO = """usual,home,stay,,lost,limbo,,0.1,,,,,
usual,limbo,stay,,,limbo,1,,,,,,
usual,limbo,stay,,death,dead,,9,,,,,"""


def of_200_megabytes(folder: Path) -> None:
    # Sparse: takes no room on disk, and could not be read in the time a test has.
    with (folder / "travel.csv").open("r+b") as file:
        file.truncate(200_000_000)


CASES = [
    # Files and columns.
    Case("missing file", removed("needs.csv"), "needs.csv", "missing file"),
    Case("missing settings", removed("instance.toml"), "instance.toml", "missing file"),
    Case("unknown table", written("neds.csv", b"a\n1\n"), "neds.csv", "'needs.csv', perhaps"),
    Case("missing column", replaced("profiles.csv", "profile,", "name_of_profile,"), "", "missing column"),
    Case("unknown column", replaced("zones.csv", "urbanicity", "urbanity"), "zones.csv, row 1, column urbanity", "'urbanicity', perhaps"),
    Case("column twice", replaced("zones.csv", "urbanicity", "name"), "zones.csv, row 1, column name", "given twice"),
    Case("not UTF-8", written("profiles.csv", "profile,name\nrobust,Fragilité\n".encode("latin-1")), "profiles.csv, row 2", "not UTF-8"),
    Case("empty table", written("needs.csv", b"zone,profile\n"), "needs.csv", "empty table"),
    Case("empty file", written("needs.csv", b""), "needs.csv", "empty file"),
    Case("200 MB", of_200_megabytes, "travel.csv", "found '200,000,000 bytes'"),
    Case("row too long", added("travel.csv", "01,01,2,5"), "travel.csv, row 4", "row of another length"),
    Case("open quote", added("travel.csv", '01,01,"2'), "travel.csv, row 4", "cannot be parsed"),
    # Types and ranges.
    Case("wrong type", replaced("zones.csv", "1000", "many"), "zones.csv, row 2, column population", "a number, or a parameter"),
    Case("strange digit", replaced("zones.csv", "1000", "10²"), "zones.csv, row 2, column population", "wrong type"),
    Case("not whole", replaced("capacities.csv", "02,helper,help,5,", "02,helper,help,5.5,"), "capacities.csv, row 4, column current", "a whole number"),
    Case("no answer", replaced("steps.csv", ",yes,1", ",perhaps,1"), "steps.csv, row 2, column anchor", "yes or no"),
    Case("unknown choice", replaced("zones.csv", "basin,,", "bassin,,"), "zones.csv, row 4, column level", "'basin', perhaps"),
    Case("empty cell", replaced("profiles.csv", "robust,", ","), "profiles.csv, row 2, column profile", "empty cell"),
    Case("negative capacity", replaced("capacities.csv", "8,8,10", "-8,8,10"), "capacities.csv, row 5, column current", "greater than or equal to 0"),
    Case("negative by parameter", replaced("capacities.csv", "6*staffing", "-6*staffing"), "capacities.csv, row 2, column current", "-6*staffing = -6"),
    Case("setting of another type", replaced("instance.toml", "rollout = 30.0", "rollout = true"), "instance.toml, key horizon.rollout", "wrong type"),
    Case("unknown setting", replaced("instance.toml", "rollout", "roll_out"), "instance.toml, key horizon.roll_out", "'rollout', perhaps"),
    Case("setting out of range", replaced("instance.toml", "100.0", "-100.0"), "instance.toml, key horizon.warm_up", "out of range"),
    Case("broken settings", added("instance.toml", "= 3"), "instance.toml", "cannot be parsed"),
    Case("another version", replaced("instance.toml", "format_version = 1", "format_version = 7"), "instance.toml, key format_version", "expected 1"),
    # Parameters.
    Case("zero parameter itself", added("parameters.csv", "none,0,,,,,,\nmuch,1/none,,,,,,"), "parameters.csv, row 9, column value", "division by zero: none is 0"),
    Case("zero divisor", replaced("needs.csv", "60,10", "60,10/(staffing-1)"), "needs.csv, row 2, column arrivals", "division by zero: the divisor is 0 at staffing=1"),
    Case("zero parameter", replaced("parameters.csv", "2*fall_rate", "2/(fall_rate-0.8)"), "parameters.csv, row 6, column value", "division by zero: the divisor is 0 at fall_rate=0.8"),
    Case("unknown parameter", replaced("needs.csv", "60,10", "60,10*stafing"), "needs.csv, row 2, column arrivals", "'staffing', perhaps"),
    Case("parameters in a circle", replaced("parameters.csv", "run_years,1", "run_years,2*run_years"), "parameters.csv, row 7, column value", "cyclic parameters: run_years -> run_years"),
    Case("parameters in a long circle", added("parameters.csv", "a,2*b,,,,,,\nb,c,,,,,,\nc,a+1,,,,,,"), "parameters.csv, row 8, column value", "cyclic parameters: a -> b -> c -> a"),
    Case("settings nested too deep", added("instance.toml", "x = " + "[" * 5000), "instance.toml", "cannot be parsed"),
    Case("unusable name", added("parameters.csv", "fall-rate,1,,,,,,"), "parameters.csv, row 8, column name", "letters, digits"),
    Case("range without the value", replaced("parameters.csv", "0.8,0.4,1.2", "1.8,0.4,1.2"), "parameters.csv, row 2, column value", "outside its range"),
    Case("setting unknown parameter", replaced("instance.toml", "run_years*", "run_year*"), "instance.toml, key horizon.run", "'run_years', perhaps"),
    # References.
    Case("unknown profile", replaced("needs.csv", "02,frail", "02,fraile"), "needs.csv, row 5, column profile", "'frail', perhaps"),
    Case("unknown zone", replaced("zones.csv", "South,territory,B", "South,territory,C"), "zones.csv, row 3, column parent", "unknown zone 'C'"),
    Case("unknown rhythm", replaced("needs.csv", "30,5,0,seasons", "30,5,0,weeks"), "needs.csv, row 4, column rhythm", "unknown rhythm"),
    Case("unknown provider", replaced("costs.csv", "help,service:helper", "helpe,service:helper"), "costs.csv, row 5, column provider", "'help', perhaps"),
    Case("unknown step of a move", replaced("moves.csv", "death,dead,,0.08", "death,deat,,0.08"), "moves.csv, row 7, column to", "'dead', perhaps"),
    Case("unknown step left", replaced("moves.csv", "usual,ward,wait", "usual,wards,wait"), "moves.csv, row 10, column step", "'ward', perhaps"),
    Case("unknown entry", replaced("pathways.csv", "Usual,,home", "Usual,,hom"), "pathways.csv, row 2, column entry", "'home', perhaps"),
    Case("unknown step after a break", replaced("steps.csv", "bed,1,3,home", "bed,1,3,house"), "steps.csv, row 3, column on_break", "unknown step 'house'"),
    Case("no subject", replaced("prices.csv", "step:ward", "ward"), "prices.csv, row 2, column subject", "step:NAME or resource:NAME"),
    Case("unknown subject", replaced("prices.csv", "step:ward", "step:wards"), "prices.csv, row 2, column subject", "'ward', perhaps"),
    Case("subject not served", replaced("prices.csv", "service:helper", "service:bed"), "prices.csv, row 4, column subject", "unknown service 'bed'"),
    Case("unknown contract", replaced("instance.toml", 'contract = "today"', 'contract = "tody"'), "instance.toml, key contract", "'today', perhaps"),
    Case("unknown parameter of a scenario", replaced("scenarios.csv", "2030,staffing", "2030,staff"), "scenarios.csv, row 3, column parameter", "'staffing', perhaps"),
    Case("while nothing is held", replaced("moves.csv", ",,helper,helper_ratio", ",,bed,helper_ratio"), "moves.csv, row 5, column while", "'bed' is never held here"),
    Case("factor without hazard", replaced("moves.csv", "fall,,,,helper", "fell,,,,helper"), "moves.csv, row 5, column hazard", "no rate anywhere"),
    Case("unknown step of a break", replaced("breaks.csv", "ward,,30", "wart,,30"), "breaks.csv, row 2, column step", "'ward', perhaps"),
    # Between rows.
    Case("shares", replaced("offers.csv", "02,frail,helped,0.2", "02,frail,helped,0.3"), "offers.csv, row 6, column current", "sum to 1.1"),
    Case("probabilities", replaced("moves.csv", "1-stay_home_share", "0.4"), "moves.csv, row 8, column probability", "sum to 1.1"),
    Case("nothing after a stay", replaced("moves.csv", "usual,admission,stay,,,residence,1,,", "usual,admission,stay,,leave,residence,,1,"), "steps.csv, row 4, column distribution", "nothing follows the end"),
    Case("draw at the end of an endless stay", replaced("steps.csv", "fixed,1", ","), "moves.csv, row 11, column distribution", "never ends"),
    Case("step nobody reaches", added("steps.csv", "usual,garden,,home,fixed,1,,,,,,,,1"), "steps.csv, row 7, column step", "unreachable step 'garden'"),
    Case("no way out", replaced("moves.csv", "usual,residence,stay,,death,dead,,0.3", "usual,residence,stay,,death,dead,,0"), "steps.csv, row 4, column step", "no exit can be reached"),
    Case("circle without time", both(added("steps.csv", "usual,limbo,,ward,fixed,0,,,,,,,,1"), added("moves.csv", IN_LIMBO)), "steps.csv, row 7, column mean", "while no time passes"),
    Case("step for others only", replaced("steps.csv", "usual,residence,,", "usual,residence,robust,"), "steps.csv, row 5, column profile", "no row for them"),
    Case("cyclic base", replaced("pathways.csv", "usual,Usual,,", "usual,Usual,helped,"), "pathways.csv, row 2, column base", "usual -> helped -> usual"),
    Case("cyclic zones", replaced("zones.csv", "Basin,basin,", "Basin,basin,01"), "zones.csv, row 2, column parent", "cyclic parents"),
    Case("level not above", replaced("zones.csv", "South,territory,B", "South,territory,01"), "zones.csv, row 3, column parent", "the parent of a territory is a territory"),
    Case("pool in no zone", replaced("resources.csv", "Bed,place,place,no,basin", "Bed,place,place,no,region"), "capacities.csv, row 2, column zone", "lies in no region"),
    Case("people in a basin", replaced("needs.csv", "02,frail", "B,frail"), "needs.csv, row 5, column zone", "is a basin"),
    Case("maximum under current", replaced("capacities.csv", "4,4,4", "4,4,3"), "capacities.csv, row 6, column maximum", "at least current (4)"),
    Case("limit between lots", replaced("capacities.csv", "10,0,20,5", "10,0,18,5"), "capacities.csv, row 3, column maximum", "15 or 20"),
    Case("more reserved than there is", replaced("capacities.csv", "8,8,10,1,0", "8,8,10,1,9"), "capacities.csv, row 5, column reserved", "at most current (8)"),
    Case("share under minimum", replaced("offers.csv", "robust,usual,1,0.8,1,0.1", "robust,usual,1,1.0,0.9,0.1"), "offers.csv, row 2, column maximum", "at least current (1)"),
    Case("share between steps", replaced("offers.csv", "robust,helped,0,0,0.2", "robust,helped,0,0,0.25"), "offers.csv, row 3, column maximum", "whole number of steps"),
    Case("refusers nowhere", replaced("offers.csv", "0,0,0.2,0.1,0.9,usual", "0,0,0.2,0.1,0.9,"), "offers.csv, row 3, column fallback", "10% refuse"),
    Case("law lacking a parameter", replaced("steps.csv", "lognormal,8,4", "lognormal,8,"), "steps.csv, row 3, column distribution", "lacks"),
    Case("law with one too many", replaced("steps.csv", "fixed,1,", "fixed,1,2"), "steps.csv, row 4, column distribution", "has sd too many"),
    Case("law missing", replaced("steps.csv", "lognormal,8,4", ",8,4"), "steps.csv, row 3, column mean", "without a law"),
    Case("rate and probability", replaced("moves.csv", "residence,1,,", "residence,1,1,"), "moves.csv, row 11, column rate", "probability and rate"),
    Case("gate of another kind", replaced("services.csv", "helper,1,7,30,", "helper,1,7,30,admission"), "services.csv, row 3, column leads_to", "gate of helped/admission is 'home_place'"),
    Case("life after the exit", added("moves.csv", "usual,dead,stay,,ghost,home,,1,,,,,"), "moves.csv, row 13, column step", "ends the story"),
    Case("duplicate row", added("needs.csv", "02,frail,1,1,0,"), "needs.csv, row 6, column zone", "as row 5"),
    Case("duplicate move", added("moves.csv", "usual,home,stay,,death,dead,,0.1,,,,,"), "moves.csv, row 13, column pathway", "as row 7"),
    Case("rhythm with a hole", replaced("rhythms.csv", "seasons,0,", "seasons,10,"), "rhythms.csv, row 2, column start", "begins without a factor"),
    Case("basis of another subject", replaced("prices.csv", "resource:home_place,,capacity-year", "step:residence,,capacity-year"), "prices.csv, row 3, column subject", "does not fit a step"),
    Case("annuity with a nature", written("costs.csv", b"subject,basis,amount,life,nature\nresource:bed,added-unit,9,10,interest\n"), "costs.csv, row 2, column nature", "an annuity is depreciation and interest"),
    Case("investment for ever", replaced("costs.csv", "100000,30", "100000,"), "costs.csv, row 4, column life", "without life"),
    Case("paid to nobody", replaced("prices.csv", "service:helper,,day,household,help", "step:home,,day,household,"), "prices.csv, row 4, column provider", "nobody runs"),
    Case("rule without bound", replaced("rules.csv", "at_most,2000000", "at_most,"), "rules.csv, row 2, column bound", "without bound"),
    Case("rule at a level without zones", replaced("rules.csv", "at_most,2000000", "at_most,2000000,,\nnowhere,authorised,region,,bed,,,,,at_most,9"), "rules.csv, row 3, column level", "no zone has this level"),
    Case("sharing without bound", written("rules.csv", b"rule,kind,level,resource,pathway,payer,provider,bound\nalone,sharing,basin,bed,,,,\n"), "rules.csv, row 2, column bound", "without bound"),
    Case("requires rule without what it requires", written("rules.csv", b"rule,kind,level,resource,pathway,payer,provider,bound\nneeds,requires,,,usual,,,9\n"), "rules.csv, row 2, column other_resource", "requires nothing"),
    Case("budget of a payer and a provider", written("rules.csv", b"rule,kind,level,resource,pathway,payer,provider,bound\npurse,budget,,,,insurance,help,9\n"), "rules.csv, row 2, column provider", "two budgets in one"),
    Case("investment budget of a payer", written("rules.csv", b"rule,kind,level,resource,pathway,payer,provider,money,bound\npurse,budget,,,,insurance,,investment,9\n"), "rules.csv, row 2, column payer", "bears no investment"),
    Case("occupancy of a provider", written("rules.csv", b"rule,kind,level,resource,pathway,payer,provider,bound\nfull,occupancy,,bed,,,hospital,0.9\n"), "rules.csv, row 2, column provider", "do not look at it"),
    Case("authorised places of a payer", written("rules.csv", b"rule,kind,level,resource,pathway,payer,provider,bound\nbeds,authorised,,bed,,insurance,,9\n"), "rules.csv, row 2, column payer", "is for budget"),
    Case("opening at most", written("rules.csv", b"rule,kind,level,resource,sense,bound\nbeds,opening,,bed,at_most,9\n"), "rules.csv, row 2, column sense", "at_least, or nothing"),
    Case("equity at least", written("rules.csv", b"rule,kind,level,resource,sense,bound\nbeds,equity,,bed,at_least,0.1\n"), "rules.csv, row 2, column sense", "at_most, or nothing"),
    Case("observation outside its range", replaced("observations.csv", "10,5,20", "30,5,20"), "observations.csv, row 2, column value", "between low (5) and high (20)"),
    Case("unreadable indicator", replaced("observations.csv", "100*deaths/person_years", "100*deaths/"), "observations.csv, row 2, column indicator", "ends too early"),
    Case("unknown indicator key", replaced("observations.csv", "busy[resource=bed]", "busy[ressource=bed]"), "observations.csv, row 3, column indicator", "'resource', perhaps"),
    Case("objective without scale", replaced("objectives.csv", "maximise,0,100", "maximise,100,100"), "objectives.csv, row 2, column high", "more than low"),
]  # fmt: skip


def faults_of(folder: Path) -> tuple[Fault, ...]:
    with pytest.raises(InvalidInstance) as caught:
        load_instance(folder)
    return caught.value.faults


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_fault_is_found_at_its_place(case: Case, mini: Path) -> None:
    case.spoil(mini)
    faults = faults_of(mini)
    matching = [fault for fault in faults if str(fault).startswith(case.place) and case.says in str(fault)]
    assert matching, "\n".join(str(fault) for fault in faults)


def test_all_faults_are_listed_at_once(mini: Path) -> None:
    replaced("needs.csv", "02,frail", "02,fraile")(mini)
    replaced("zones.csv", "urbanicity", "urbanity")(mini)
    replaced("offers.csv", "02,frail,helped,0.2", "02,frail,helped,0.3")(mini)
    replaced("travel.csv", "02,01,25", "02,01,near")(mini)
    replaced("instance.toml", "rollout", "roll_out")(mini)
    removed("capacities.csv")(mini)
    faults = faults_of(mini)
    assert [fault.place for fault in faults] == [
        "capacities.csv",
        "instance.toml, key horizon.roll_out",
        "needs.csv, row 5, column profile",
        "offers.csv, row 6, column current",
        "travel.csv, row 3, column minutes",
        "zones.csv, row 1, column urbanity",
    ]
    report = str(InvalidInstance(faults))
    assert report.startswith(f"{len(faults)} faults in the instance:")
    assert len(report.splitlines()) == len(faults) + 1


def test_one_mistake_is_one_fault(mini: Path) -> None:
    """A row that cannot be built does not make everything that names it look unknown."""
    replaced("profiles.csv", "frail,Frail,0.6", "frail,Frail,1.6")(mini)
    assert len(faults_of(mini)) == 1


def test_a_parameter_at_fault_is_reported_where_it_stands_only(mini: Path) -> None:
    replaced("parameters.csv", "fall_rate,0.8,", "fall_rate,much,")(mini)
    assert [fault.place for fault in faults_of(mini)] == ["parameters.csv, row 2, column value"]


def test_an_instance_that_is_not_there_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    faults = faults_of(tmp_path / "empty")
    assert "zones.csv: missing file" in [str(fault).split(" (")[0] for fault in faults]
