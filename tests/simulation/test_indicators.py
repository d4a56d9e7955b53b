"""The catalogue of named indicators, the long table, observations."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from instances.catalogue import load_instance, read_source, shipped_instances
from instances.faults import UnknownName
from instances.tables import Observation
from simulation.expression_faults import expression_faults
from simulation.indicator_expressions import InvalidExpression
from simulation.indicator_tables import Listing, indicator_table
from simulation.indicators import (
    CONSTANTS,
    Catalogue,
    TermReader,
    compare_observations,
)
from simulation.objectives import Judge
from simulation.quantities import QUANTITIES
from simulation.records import Event
from simulation.twin import Twin
from tests.mini_instance import write_mini_instance
from tests.simulation.event_logs import HILLS, TOWN, YEAR, Story, tiny


@pytest.fixture(scope="module")
def story():
    told = Story(tiny(), zones=(TOWN, HILLS)).tell(0.0, Event.PRESENT, detail=0)
    told.tell(0.0, Event.PRESENT, "supported/home", who=1, detail=1, profile=1)
    told.tell(10.0, Event.HAZARD, detail=0).bed(10.0, Event.WAIT, "usual/home", detail="usual/ward")
    told.bed(12.0, Event.ENTER, detail="usual/home").bed(22.0, Event.GATE_END)
    return told.tell(22.0, Event.ENTER, detail="usual/ward").die(400.0)


@pytest.fixture(scope="module")
def catalogue(story):
    return Catalogue.of(story.instance)


@pytest.fixture(scope="module")
def account(story):
    return story.account()


def test_every_name_can_be_evaluated(catalogue, account):
    for name in catalogue.names:
        assert isinstance(catalogue.value(name, account), float), name


@pytest.mark.parametrize("name", shipped_instances())
def test_expressions_of_shipped_instances_are_known(name):
    source = read_source(name)
    assert expression_faults(source, source.today) == ()


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("persons", (400.0 + 731.0) / 731.0),
        ("residents[setting=ward]", 10.0 / 731.0),
        ("persons[zone=hills]", 1.0),
        ("persons[zone=valley,profile=frail]", 1.0),
        ("persons[urbanicity=urban]", 400.0 / 731.0),
        ("deaths/person_years", 1.0 / ((400.0 + 731.0) / YEAR)),
        ("falls", 1.0),
        ("hazards[hazard=fall,step=home]", 1.0),
        ("falls[profile=frail]", 0.0),
        ("100*entries[step=usual/ward]/entries[setting=ward|home]", 50.0),
        ("stay_days[resource=bed]", 10.0),
        ("inhabitants", 3300.0),
        ("inhabitants[zone=hills]", 1100.0),
        ("units[resource=helper,zone=town]", 20.0),
        ("occupancy[resource=bed]", 10.0 / (8.0 * 731.0)),
        ("years", 731.0 / YEAR),
    ],
)
def test_what_an_expression_is_worth(catalogue, account, expression, expected):
    assert catalogue.value(expression, account) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("expression", "error", "says"),
    [
        ("entrys", UnknownName, "entries"),
        ("entries[stap=ward]", InvalidExpression, "keys"),
        ("entries[step=word]", UnknownName, "ward"),
        ("busy[profile=frail]", InvalidExpression, "cannot be narrowed"),
        ("home_days[setting=ward]", InvalidExpression, "already narrowed"),
        ("persons[zone=nowhere]", UnknownName, "nowhere"),
    ],
)
def test_what_is_unknown_is_named(catalogue, expression, error, says):
    with pytest.raises(error, match=says):
        catalogue.expand(expression)


def test_satisfaction_is_the_weighted_mean_of_its_components(story, account):
    satisfaction = story.instance.settings.satisfaction.model_copy(update={"access": 3.0, "safety": 0.0})
    settings = story.instance.settings.model_copy(update={"satisfaction": satisfaction})
    catalogue = Catalogue.of(replace(story.instance, settings=settings))
    weights = {"access": 3, "continuity": 1, "preferred_place": 1, "proximity": 1, "fit": 1}
    expected = sum(weight * catalogue.value(name, account) for name, weight in weights.items()) / 7
    assert catalogue.value("satisfaction", account) == pytest.approx(expected)


def test_background_demand_counts_in_pools_and_nowhere_else(story):
    profiles = [row.model_copy(update={"background": row.profile == "steady"}) for row in story.instance.profiles]
    catalogue = Catalogue.of(replace(story.instance, profiles=tuple(profiles)))
    account = story.account()
    assert catalogue.value("deaths", account) == 0.0
    assert catalogue.value("deaths[profile=steady]", account) == 1.0
    assert catalogue.value("busy[resource=bed]", account) == pytest.approx(10.0)
    assert catalogue.value("revenue[payer=household]", account) == pytest.approx(200.0)


def test_vectors_of_terms_add_like_accounts(catalogue, account):
    reader = TermReader.of(catalogue, ["satisfaction", "efficiency", "solvency", "occupancy[resource=bed]"])
    vector = reader.vector(account)
    whole = account + account
    assert reader.vector(whole) == pytest.approx(2.0 * vector)
    assert reader.values(vector, vector)[0] == pytest.approx(catalogue.value("satisfaction", account))
    assert reader.values(2.0 * vector, vector)[1] == pytest.approx(catalogue.value("efficiency", whole, account))


def test_a_long_table_of_readings_is_that_of_accounts(story, account):
    """What is read of replications adds up to what their accounts tell."""
    other = Story(tiny(), zones=(TOWN, HILLS)).tell(0.0, Event.PRESENT, detail=0).die(100.0).account()
    listing = Listing(Catalogue.of(story.instance))
    both = tuple(range(len(story.instance.territories)))
    first = listing.read(account, both) + listing.read(other, both)
    rows = listing.rows([first, listing.read(account, both)])
    expected = indicator_table(story.instance, [account + other, account])
    assert [replace(row, estimate=None) for row in rows] == [replace(row, estimate=None) for row in expected]
    for row, wanted in zip(rows, expected, strict=True):
        assert row.estimate.mean == pytest.approx(wanted.estimate.mean, rel=1e-9, abs=1e-9)


def test_what_is_read_of_a_component_s_own_account_is_what_is_read_of_the_whole():
    """An account over one component's territories reads as the same over the whole instance, elsewhere 0."""
    twin = Twin(load_instance("synthetic-10"), seed=1)
    judge = Judge.of(twin.instance)
    listing = Listing(judge.catalogue)
    everywhere = tuple(range(len(twin.instance.territories)))
    part = min(range(len(twin.components)), key=lambda number: len(twin.components[number].territories))
    own = twin.components[part].territories
    small, large = twin.own_account(twin.today, part, 0), twin.account(twin.today, part, 0)
    assert len(small.persons) == len(own) < len(large.persons) == len(everywhere)
    assert listing.read(small, own) == pytest.approx(listing.read(large, everywhere), rel=1e-9, abs=1e-6)
    one, other = judge.essence(small, own), judge.essence(large)
    assert one.values == pytest.approx(other.values, rel=1e-9, abs=1e-6)
    pools = len(judge.catalogue.chart.pools)
    assert len(one.lines) < pools
    assert np.array_equal(one.every_line(pools), other.every_line(pools))


def test_long_table_has_one_fact_a_row(story, account):
    rows = indicator_table(story.instance, [account, account])
    keys = [
        (row.indicator, row.zone, row.profile, row.pathway, row.step, row.resource, row.provider, row.payer)
        for row in rows
    ]
    assert len(set(keys)) == len(keys)
    assert {"satisfaction", "efficiency", "solvency", "deaths", "occupancy", "revenue"} <= {
        row.indicator for row in rows
    }
    written = io.StringIO()
    writer = csv.DictWriter(written, list(rows[0].cells()))
    writer.writeheader()
    writer.writerows(row.cells() for row in rows)
    header = (
        "indicator,zone,profile,pathway,step,resource,provider,payer,unit,mean,standard_error,low,high,replications"
    )
    assert written.getvalue().splitlines()[0] == header
    assert ",nan" not in written.getvalue()


@pytest.mark.parametrize(
    ("name", "key"), [("revenue", "payer"), ("revenue", "provider"), ("cost", "provider"), ("deaths", "zone")]
)
def test_totals_equal_the_sum_of_parts(story, account, name, key):
    rows = [row for row in indicator_table(story.instance, [account]) if row.indicator == name]
    filled = {
        each: [k for k in ("zone", "profile", "pathway", "step", "resource", "provider", "payer") if getattr(each, k)]
        for each in rows
    }
    (whole,) = (row.estimate.mean for row, keys in filled.items() if not keys)
    territories = {row.zone for row in story.instance.territories}
    parts = [
        row.estimate.mean
        for row, keys in filled.items()
        if keys == [key] and (key != "zone" or row.zone in territories)
    ]
    assert sum(parts) == pytest.approx(whole, abs=0.005)


def test_with_one_replication_the_table_shows_no_interval(story, account):
    cells = indicator_table(story.instance, [account])[0].cells()
    assert (cells["standard_error"], cells["low"], cells["high"], cells["replications"]) == (None, None, None, 1)


def test_observations_beside_the_simulated(story, account):
    row = Observation(observation="falls", indicator="falls", value=2, low=1, high=3, role="fit")
    empty = Observation(observation="unknown", value=2, low=1, high=3, role="check")
    (found,) = compare_observations(replace(story.instance, observations=(row, empty)), [account])
    assert found.simulated.mean == 1.0
    assert found.is_within


def test_wrong_expressions_are_all_told_with_their_place(tmp_path):
    folder = write_mini_instance(tmp_path / "mini")
    (folder / "objectives.csv").write_text(
        "objective,expression,direction,low,high\ngood,satisfactoin,maximise,0,100\neven,gini(acces),minimise,0,100\n"
    )
    source = read_source(folder)
    told = expression_faults(source, source.today)
    assert [(fault.file, fault.row, fault.column) for fault in told] == [
        ("objectives.csv", 2, "expression"),
        ("objectives.csv", 3, "expression"),
    ]
    assert "'satisfaction', perhaps" in str(told[0])


def test_names_are_used_once():
    assert not set(QUANTITIES) & set(CONSTANTS)
    assert np.all([quantity.meaning for quantity in QUANTITIES.values()])
