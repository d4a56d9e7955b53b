"""How providers stand under a plan: margins, results and the probability of a deficit, from the books."""

import numpy as np
import pytest

from configurator.firms import firm_standings


def test_standings_are_those_of_the_books():
    books = np.array([[[100.0, 90.0, 95.0], [0.0, 0.0, 0.0]], [[100.0, 95.0, 105.0], [0.0, 0.0, 0.0]]])
    first, idle = firm_standings(("hospital", "idle"), books)
    assert first.provider == "hospital"
    assert first.margin_rate.mean == pytest.approx(0.075)
    assert first.margin_rate.low < 0.075 < first.margin_rate.high
    assert first.result.mean == pytest.approx(0.0)
    assert first.deficit == 0.5
    assert idle.margin_rate is None
    assert idle.deficit == 0.0


def test_a_plan_that_failed_has_no_standings():
    assert firm_standings(("hospital",), np.empty((0, 0, 3))) == ()
