"""What a log shows of a queue: one number a replication."""

import numpy as np

from tests.simulation.queueing.measures import LOST, SERVED, Log
from tests.simulation.queueing.tables import SERVER


def mean_wait(log: Log, step: str = SERVER, profile: int | None = None) -> float:
    return float(log.asked(step, profile).wait.mean())


def wait_of(outcome: int, log: Log) -> float:
    found = log.asked(SERVER)
    return float(found.wait[found.outcome == outcome].mean())


def wait_accepted(log: Log) -> float:
    found = log.asked(SERVER)
    accepted = ~(found.at_once & (found.outcome == LOST))
    return float(found.wait[accepted].mean())


def sojourn_accepted(log: Log) -> float:
    found = log.asked(SERVER)
    stays = log.in_step(SERVER)
    leaving = dict(zip(stays.patient.tolist(), stays.end.tolist(), strict=True))
    served = found.outcome == SERVED
    ends = np.array([leaving[patient] for patient in found.patient[served].tolist()])
    return float((ends - found.asked[served]).mean())


def wait_moments(log: Log) -> tuple[float, float]:
    waits = log.asked(SERVER).wait
    return float(waits.mean()), float((waits**2).mean())


def share_waiting(log: Log, step: str = SERVER, longer_than: float = 0.0) -> float:
    """Share of all who ask and find every server busy; with a time, of those who wait longer."""
    found = log.asked(step)
    if longer_than > 0.0:
        return float((found.wait > longer_than).mean())
    return float((~found.at_once).mean())


def share_waiting_accepted(log: Log) -> float:
    found = log.asked(SERVER)
    accepted = ~(found.at_once & (found.outcome == LOST))
    return float((~found.at_once[accepted]).mean())


def share_blocked(log: Log, profile: int | None = None) -> float:
    found = log.asked(SERVER, profile)
    return float((found.at_once & (found.outcome == LOST)).mean())


def share_abandoned(log: Log) -> float:
    found = log.asked(SERVER)
    return float((~found.at_once & (found.outcome == LOST)).mean())


def share_served(log: Log) -> float:
    return float((log.asked(SERVER).outcome == SERVED).mean())


def mean_queue(log: Log, step: str = SERVER) -> float:
    return log.mean_queue(step)


def use(servers: int, log: Log, step: str = SERVER) -> float:
    return log.mean_busy(step) / servers


def number(log: Log, step: str = SERVER) -> float:
    return log.mean_queue(step) + log.mean_in_care(step) + log.mean_blocked(step)


def mean_sojourn(log: Log, step: str = SERVER) -> float:
    """Of those who asked in the window: wait and stay, each averaged over its own kind."""
    stays = log.in_step(step)
    stays = stays.at((stays.start > 0.0) & (stays.start < log.length))
    return mean_wait(log, step) + float((stays.end - stays.start).mean())


def throughput(log: Log, step: str = SERVER) -> float:
    ends = log.in_step(step).end
    return float(((ends > 0.0) & (ends <= log.length)).sum() / log.length)
