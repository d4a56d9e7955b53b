"""A mix of which only a part was said: what was left out makes room, by whole steps within bounds."""

from dataclasses import replace

import pytest

from optimisation.encoding import encoding_of
from optimisation.typed_mixes import completed
from simulation.configuration import offer_cells, todays_configuration
from tests.optimisation.conftest import valley_with

INSTANCE = valley_with()
ENCODING = encoding_of(INSTANCE)
CELLS = [(cell.zone, cell.profile, cell.pathway) for cell in offer_cells(INSTANCE)]


def made_of(**said):
    """Return the town's mix of the frail when some of its shares are said."""
    numbers = {CELLS.index(("town", "frail", pathway)): share for pathway, share in said.items()}
    shares = list(todays_configuration(INSTANCE).shares)
    for number, share in numbers.items():
        shares[number] = share
    found = completed(ENCODING, replace(todays_configuration(INSTANCE), shares=tuple(shares)), numbers.keys())
    assert [share for n, share in enumerate(found.shares) if CELLS[n][:2] != ("town", "frail")] == [
        share for n, share in enumerate(todays_configuration(INSTANCE).shares) if CELLS[n][:2] != ("town", "frail")
    ]
    return [found.shares[CELLS.index(("town", "frail", pathway))] for pathway in ("usual", "supported")]


def test_what_was_not_said_makes_room():
    assert made_of(supported=0.75) == [0.25, 0.75]
    assert made_of(usual=1.0) == [1.0, 0.0]


def test_a_mix_said_in_full_is_left_as_it_is():
    assert made_of(usual=0.5, supported=0.25) == [0.5, 0.25]


def test_what_cannot_be_brought_to_one_goes_as_far_as_bounds_allow():
    """Usual care keeps at least 0.25 of the frail: 1.0 of support leaves 0.25 too many, for the repair to settle."""
    assert made_of(supported=1.0) == [0.25, 1.0]


def test_a_share_between_two_steps_is_kept_as_typed():
    usual, supported = made_of(supported=0.45)
    assert supported == pytest.approx(0.45)
    assert usual == 0.5
