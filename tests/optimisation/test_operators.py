"""New proposals: whole territories swapped, mixes still whole, bounds kept."""

import numpy as np
import pytest

from optimisation.encoding import encoding_of
from optimisation.operators import operators_of
from optimisation.starting_points import compromise, favouring, landmarks, most_generous, on_steps, resized, sampled
from simulation.configuration import todays_configuration


@pytest.fixture
def encoding(valley):
    return encoding_of(valley)


def is_sound(encoding, genes) -> bool:
    sums = np.bincount(encoding.group, weights=genes[: encoding.shares] * encoding.size[: encoding.shares])
    return bool(np.all(genes >= encoding.low) and np.all(genes <= encoding.high) and np.allclose(sums, 0.0))


def test_today_is_the_zero_of_the_genes(valley, encoding):
    today = todays_configuration(valley)
    assert not encoding.today[:-1].any()
    assert encoding.configuration(encoding.today) == today
    assert encoding.genes(today).tolist() == encoding.today.tolist()


def test_configuration_and_genes_are_inverse(encoding):
    points = sampled(encoding, np.random.default_rng(1))
    for _ in range(100):
        genes = next(points)
        configuration = encoding.configuration(genes)
        assert encoding.is_exact(configuration)
        assert encoding.genes(configuration).tolist() == genes.tolist()


def test_sampled_points_are_sound_and_differ(encoding):
    points = sampled(encoding, np.random.default_rng(2))
    drawn = [next(points) for _ in range(200)]
    assert all(is_sound(encoding, genes) for genes in drawn)
    assert len({genes.tobytes() for genes in drawn}) > 60


def test_children_are_sound_and_swap_whole_territories(valley, encoding):
    operators = operators_of(valley, encoding)
    random = np.random.default_rng(3)
    points = sampled(encoding, random)
    for _ in range(100):
        first, second = next(points), next(points)
        one, two = operators.crossed(first, second, random)
        assert is_sound(encoding, one)
        assert (one + two).tolist() == (first + second).tolist()
        child = operators.mutated(one, random)
        assert is_sound(encoding, child)
        changed = {int(block) for block in encoding.block[child != one]}
        assert len(changed) <= 1


def test_parents_are_left_as_they_were(valley, encoding):
    operators = operators_of(valley, encoding)
    genes = encoding.today.copy()
    for seed in range(20):
        operators.mutated(genes, np.random.default_rng(seed))
    assert genes.tolist() == encoding.today.tolist()


def test_landmarks_begin_with_today_and_the_extremes(planning):
    from optimisation.feasibility.repair import Repairer

    drawn = list(landmarks(planning, Repairer(planning)))
    assert drawn[0].tolist() == planning.encoding.today.tolist()
    assert drawn[3].tolist() == most_generous(planning.encoding).tolist()
    assert all(is_sound(planning.encoding, genes) for genes in drawn)


def test_a_resized_resource_goes_half_way_and_nothing_else_moves(planning):
    encoding = planning.encoding
    gene = encoding.shares + int(np.argmax(encoding.high[encoding.shares : encoding.decided]))
    moved = resized(encoding, np.array([gene]), encoding.high)
    assert encoding.today[gene] < moved[gene] <= encoding.high[gene]
    assert np.flatnonzero(moved != encoding.today).tolist() == [gene]


def test_favouring_a_pathway_takes_its_greatest_share(planning):
    shares = planning.encoding.configuration(favouring(planning, "supported")).shares
    assert shares == (0.75, 0.25, 0.25, 0.75) * 2


def test_a_compromise_lies_between(planning):
    encoding = planning.encoding
    middle = compromise(encoding, encoding.today, most_generous(encoding))
    assert is_sound(encoding, middle)


def test_largest_remainders_keep_sums_at_bounds(encoding):
    wanted = np.full(encoding.decided, 9.0)
    assert is_sound(encoding, np.append(on_steps(encoding, wanted), 0))
