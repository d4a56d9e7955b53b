"""What is tried: pathway mixes, capacities and the contract in force."""

import hashlib
from dataclasses import dataclass

from instances.instance import Instance
from instances.tables import Offer
from simulation.kept_with_instance import kept_with_instance


@dataclass(frozen=True)
class OfferCell:
    """One pathway offered to one profile in one territory, with the bounds of its share."""

    zone: str
    profile: str
    pathway: str
    current: float
    minimum: float
    maximum: float
    step: float
    acceptance: float
    fallback: str
    preference: float | None


@dataclass(frozen=True)
class Configuration:
    """One candidate: shares aligned with `offer_cells`, capacities with the instance's capacity rows."""

    shares: tuple[float, ...]
    capacities: tuple[int, ...]
    contract: str


@kept_with_instance
def offer_cells(instance: Instance) -> tuple[OfferCell, ...]:
    """Return every (territory, profile, pathway) offered; a row naming the territory wins over one for all."""
    general: dict[tuple[str, str], Offer] = {}
    special: dict[tuple[str, str, str], Offer] = {}
    for offer in instance.offers:
        if offer.zone:
            special[offer.zone, offer.profile, offer.pathway] = offer
        else:
            general[offer.profile, offer.pathway] = offer
    cells = []
    for territory in instance.territories:
        for profile in instance.profiles:
            for pathway in instance.pathways:
                key = (profile.profile, pathway.pathway)
                offer_row = special.get((territory.zone, *key), general.get(key))
                if offer_row is not None:
                    cells.append(_cell(territory.zone, offer_row))
    return tuple(cells)


def _cell(zone: str, offer: Offer) -> OfferCell:
    return OfferCell(
        zone=zone,
        profile=offer.profile,
        pathway=offer.pathway,
        current=offer.current,
        minimum=offer.current if offer.minimum is None else offer.minimum,
        maximum=offer.current if offer.maximum is None else offer.maximum,
        step=offer.step,
        acceptance=offer.acceptance,
        fallback=offer.fallback,
        preference=offer.preference,
    )


@kept_with_instance
def todays_configuration(instance: Instance) -> Configuration:
    """Return today's mixes, capacities and contract."""
    return Configuration(
        shares=tuple(cell.current for cell in offer_cells(instance)),
        capacities=tuple(row.current for row in instance.capacities),
        contract=instance.settings.contract,
    )


def content_key(configuration: Configuration) -> str:
    """Return a hash of the content: equal configurations have equal keys."""
    text = repr((configuration.shares, configuration.capacities, configuration.contract))
    return hashlib.sha256(text.encode()).hexdigest()
