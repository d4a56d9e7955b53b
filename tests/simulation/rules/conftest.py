"""Every rule is told once, and must hold on both engines."""

import pytest


@pytest.fixture(params=["compiled", "simpy"])
def engine_name(request):
    return request.param
