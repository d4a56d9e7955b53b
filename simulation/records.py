"""What happened: the flat event record that both engines write and every account is made from.

An event log is a structured array of `EVENT` in the order in which things happened. The log of a run
from time 0 opens with PRESENT records (and their SERVICE_GRANT, SERVICE_ASK and WAIT records), so a
reader that replays it needs no other state.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

EVENT = np.dtype(
    [
        ("time", np.float64),
        ("patient", np.int32),
        ("kind", np.int16),
        ("profile", np.int16),  # after the event
        ("step", np.int16),  # where the patient is after the event; -1: outside
        ("resource", np.int16),  # -1: none
        ("pool", np.int32),  # -1: none
        ("units", np.int32),
        ("detail", np.int32),
    ]
)

EventArray = npt.NDArray[np.void]


def joined(logs: Sequence[EventArray]) -> EventArray:
    """Return one log of several, joined as bytes: numpy would move records one by one."""
    whole = np.empty(sum(len(log) for log in logs), dtype=EVENT)
    np.concatenate([np.ascontiguousarray(log).view(np.uint8) for log in logs], out=whole.view(np.uint8))
    return whole


class Event(IntEnum):
    """Kinds of event, with the meaning of `detail` (and of pool, units where they are used)."""

    PRESENT = 0  # in the state at time 0, in `step`; detail: pathway
    ARRIVE = 1  # detail: pathway oriented to
    WAIT = 2  # asks for the gate of the step `detail`; pool asked
    ENTER = 3  # the stay in `step` starts; pool and units of the gate taken; detail: former step, -1 outside
    BREAK = 4  # patience or queue limit exceeded; detail: the step awaited; units: 0 patience, 1 queue limit
    HAZARD = 5  # detail: hazard
    PROFILE = 6  # profile changed; detail: former profile
    SERVICE_ASK = 7  # joins the list for a service; units: amount
    SERVICE_GRANT = 8  # gets (or gets more of) a service; units: all held from now on
    SERVICE_END = 9  # gives units of a service back; units: all held from now on
    SERVICE_LEAVE = 10  # leaves the list for a service ungranted
    SERVICE_ABSENT = 11  # in a step without this service: rank or unit kept
    SERVICE_RETURN = 12  # back in a step with this service
    ONSET = 13  # a service held long enough acts from now on
    GATE_END = 14  # gives the units of a gate back
    MARK = 15  # a mark is set; detail: mark
    MARK_END = 16  # a mark has run out; detail: mark
    REORIENT = 17  # the mix sends the patient to another pathway; detail: pathway
    CAPACITY = 18  # patient -1: a pool's capacity is `units` from now on
    EXIT = 19  # entered an exit step; gone
    LEAVE = 20  # gone without an exit step (a broken wait that leads nowhere)


@dataclass(frozen=True)
class People:
    """Who the patients of a log are; arrays over patients.

    zone: index among the instance's territories; profile: profile at arrival; ordinal: the n-th of that
    zone and profile (founders and copies at time 0 have ordinals of their own, see `start`); arrival: time
    of arrival; present: whether in the state at time 0; waiting_since: for those who wait for a gate at
    time 0 the time of asking, else nan.
    """

    zone: npt.NDArray[np.int32]
    profile: npt.NDArray[np.int32]
    ordinal: npt.NDArray[np.int64]
    arrival: npt.NDArray[np.float64]
    present: npt.NDArray[np.bool_]
    waiting_since: npt.NDArray[np.float64]


class UrgencyKind(IntEnum):
    """Order of events at equal times (T1)."""

    RELEASE = 0
    CAPACITY = 1
    HAZARD = 2
    ONSET = 3
    PATIENCE = 4
    REORIENT = 5
    REQUEST = 6
    ARRIVAL = 7
