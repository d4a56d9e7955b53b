"""The enums of records, clocks and standings as plain numbers: to look a member up costs more than many a rule."""

import math

from simulation.records import Event, UrgencyKind
from simulation.state import Held, Status
from simulation.streams import Law

NEVER = math.inf

TO_COME, STAYING, WAITING, MOVING, GONE = (int(each) for each in Status)
NONE, IN_LINE, HELD = (int(each) for each in (Held.NONE, Held.WAITING, Held.HELD))
BY_DESTINATION = int(Law.BY_DESTINATION)

RELEASE, CAPACITY_CHANGE, HAZARD, ONSET = (
    int(each) for each in (UrgencyKind.RELEASE, UrgencyKind.CAPACITY, UrgencyKind.HAZARD, UrgencyKind.ONSET)
)
PATIENCE, REORIENT, REQUEST, ARRIVAL = (
    int(each) for each in (UrgencyKind.PATIENCE, UrgencyKind.REORIENT, UrgencyKind.REQUEST, UrgencyKind.ARRIVAL)
)

ARRIVED, WAITS, ENTERS, BREAKS = (int(each) for each in (Event.ARRIVE, Event.WAIT, Event.ENTER, Event.BREAK))
STRUCK, PROFILE, REORIENTED, GATE_ENDS = (
    int(each) for each in (Event.HAZARD, Event.PROFILE, Event.REORIENT, Event.GATE_END)
)
SERVICE_ASKED, SERVICE_GRANTED, SERVICE_ENDS, SERVICE_LEFT = (
    int(each) for each in (Event.SERVICE_ASK, Event.SERVICE_GRANT, Event.SERVICE_END, Event.SERVICE_LEAVE)
)
SERVICE_ABSENT, SERVICE_RETURNS, SERVICE_ACTS = (
    int(each) for each in (Event.SERVICE_ABSENT, Event.SERVICE_RETURN, Event.ONSET)
)
MARKED, MARK_ENDS, CAPACITY, EXITS, LEAVES = (
    int(each) for each in (Event.MARK, Event.MARK_END, Event.CAPACITY, Event.EXIT, Event.LEAVE)
)
