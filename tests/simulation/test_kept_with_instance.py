"""What follows from an instance is worked out once for each, and never carried over to another."""

from dataclasses import replace

from instances.catalogue import load_instance
from simulation.configuration import offer_cells, todays_configuration
from simulation.kept_with_instance import kept_with_instance


def test_it_is_worked_out_once_for_each_instance() -> None:
    instance = load_instance("tiny")
    asked: list[str] = []

    @kept_with_instance
    def title(one: object) -> str:
        asked.append(str(one))
        return f"number {len(asked)}"

    other = replace(instance, name="another")
    assert [title(instance), title(other), title(instance), title(other)] == ["number 1", "number 2"] * 2


def test_an_instance_made_from_another_has_its_own_offer() -> None:
    instance = load_instance("tiny")
    before = offer_cells(instance), todays_configuration(instance)
    row = instance.capacities[0]
    changed = replace(
        instance, capacities=(row.model_copy(update={"current": row.current + 1}), *instance.capacities[1:])
    )
    assert todays_configuration(changed).capacities[0] == before[1].capacities[0] + 1
    assert todays_configuration(instance) == before[1]
    assert offer_cells(instance) is before[0]
