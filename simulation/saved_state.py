"""States saved to one file and taken up again: a run that starts where another one stood.

The file is a zip archive of NumPy arrays (what `numpy.load` reads as .npz), without pickle: `header` holds JSON
(format, fingerprint of the instance and of the one each replication carries, seed, time, offer in force),
`REPLICATION/COMPONENT/FIELD` the arrays of each state. Records are stored without padding, entries without dates:
the same states make the same bytes.
"""

import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from instances.faults import ConfiguratorError
from instances.instance import Instance
from simulation.components import Component, components
from simulation.configuration import Configuration
from simulation.flat_model import FlatModel, FlatPlan
from simulation.knowledge import Knowledge, known
from simulation.offer_in_force import OfferInForce
from simulation.start import before_warm_up
from simulation.state import CLOCK, PATIENT, SLOT, State, Status
from simulation.twin import Twin

FORMAT = "offer configurator states"
FORMAT_VERSION = 2
_HEADER = "header.npy"
_RECORDS = {"patients": PATIENT, "slots": SLOT, "clocks": CLOCK}
_PLAIN: dict[str, np.dtype[Any]] = {
    "marks": np.dtype(np.float64),
    "visits": np.dtype(np.int32),
    "turnover_time": np.dtype(np.float64),
    "turnover_pool": np.dtype(np.int32),
    "turnover_units": np.dtype(np.int32),
    "waiting": np.dtype(np.int64),
}
_UNREADABLE = (zipfile.BadZipFile, zlib.error, OSError, EOFError, KeyError, ValueError, TypeError)


class SavedStateError(ConfiguratorError):
    """A file of saved states that cannot be read, or belongs to something else."""


@dataclass(frozen=True)
class Header:
    """What a file of states says of itself.

    draws: fingerprint of the instance that each replication carries (T13); arrivals_until: time up to which those
    still to come are in the states; offer: in force at the states' time.
    """

    instance: str
    fingerprint: str
    seed: int
    time_unit: str
    draws: tuple[str, ...]
    components: int
    arrivals_until: float
    offer: OfferInForce

    @classmethod
    def of(cls, twin: Twin, configuration: Configuration, replications: int, time: float) -> "Header":
        """Return the header of the states of a twin's runs under a configuration at a time."""
        at_the_start = time <= twin.offer.time  # the same whatever is offered from then on
        return cls(
            instance=twin.instance.name,
            fingerprint=twin.instance.fingerprint,
            seed=twin.seed,
            time_unit=twin.instance.settings.time_unit,
            draws=tuple(twin.carried(replication).fingerprint for replication in range(replications)),
            components=len(twin.components),
            arrivals_until=twin.offer.time + twin.instance.settings.horizon.run,
            offer=twin.offer if at_the_start else twin.offer.follow(twin.instance, configuration).later(time),
        )

    @property
    def replications(self) -> int:
        """How many replications there are."""
        return len(self.draws)

    @property
    def time(self) -> float:
        """The time of the states."""
        return self.offer.time


def save_states(path: Path, header: Header, states: Iterable[tuple[int, int, State]]) -> None:
    """Write (replication, component, state) of every run to one file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                _write(archive, _HEADER, np.frombuffer(_header_text(header).encode(), dtype=np.uint8))
                for replication, component, state in states:
                    for name, array in _arrays(state).items():
                        _write(archive, _entry(replication, component, name), array)
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary).chmod(0o666 & ~mask)  # mkstemp makes files for their owner only
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _header_text(header: Header) -> str:
    return json.dumps({"format": FORMAT, "format_version": FORMAT_VERSION, **asdict(header)}, sort_keys=True)


def _arrays(state: State) -> dict[str, npt.NDArray[Any]]:
    arrays = {name: np.asarray(getattr(state, name), dtype=kind) for name, kind in _PLAIN.items()}
    return arrays | {name: _copied(getattr(state, name), _packed(kind)) for name, kind in _RECORDS.items()}


def _packed(kind: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype([(name, kind[name]) for name in kind.names or ()])


def _copied(records: npt.NDArray[Any], kind: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return records under another layout of the same columns, what pads them being zero."""
    copy = np.zeros(records.shape, dtype=kind)
    for name in kind.names or ():
        copy[name] = records[name]
    return copy


def _entry(replication: int, component: int, name: str) -> str:
    return f"{replication}/{component}/{name}.npy"


def _write(archive: zipfile.ZipFile, name: str, array: npt.NDArray[Any]) -> None:
    entry = zipfile.ZipInfo(name)  # dated 1980
    entry.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(entry, "w", force_zip64=True) as file:
        np.lib.format.write_array(file, array, allow_pickle=False)


def open_states(path: Path, instance: Instance | Knowledge, seed: int | None = None) -> "SavedStates":
    """Return the states of a file, checked to be whole and to belong to this instance (and seed, when given).

    Each replication must carry in this run the parameters with which it was saved.
    """
    if not path.is_file():
        raise SavedStateError(f"{path}: there is no such file of saved states")
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            if damaged is not None:
                raise SavedStateError(f"{path}: the file is damaged (in {damaged})")
            document = json.loads(bytes(_read(archive, _HEADER)).decode())
            names = set(archive.namelist())
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise SavedStateError(f"{path}: this is no file of saved states")
        if document.get("format_version") != FORMAT_VERSION:
            raise SavedStateError(
                f"{path}: format version {document.get('format_version')}; this program reads {FORMAT_VERSION}"
            )
        header = _header(document)
    except _UNREADABLE as error:
        raise SavedStateError(f"{path}: this is no whole file of saved states ({error})") from error
    knowledge = known(instance)
    _check(path, header, names, knowledge.central, seed)
    _check_draws(path, header, knowledge)
    return SavedStates(path, header, knowledge.central)


def _read(archive: zipfile.ZipFile, name: str) -> npt.NDArray[Any]:
    with archive.open(name) as file:
        array: npt.NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    return array


def _header(document: dict[str, Any]) -> Header:
    offer = document["offer"]
    decided = offer["configuration"]
    configuration = Configuration(tuple(decided["shares"]), tuple(decided["capacities"]), decided["contract"])
    return Header(
        instance=document["instance"],
        fingerprint=document["fingerprint"],
        seed=document["seed"],
        time_unit=document["time_unit"],
        draws=tuple(document["draws"]),
        components=document["components"],
        arrivals_until=document["arrivals_until"],
        offer=OfferInForce(offer["time"], configuration, tuple(offer["capacities"]), tuple(offer["acts_at"])),
    )


def _check(path: Path, header: Header, names: set[str], instance: Instance, seed: int | None) -> None:
    unit = instance.settings.time_unit
    if header.time_unit != unit:
        raise SavedStateError(f"{path}: times are in {header.time_unit}s, those of {instance.name} in {unit}s")
    if header.fingerprint != instance.fingerprint:
        raise SavedStateError(
            f"{path}: saved for instance {header.instance} with fingerprint {header.fingerprint[:16]}; "
            f"{instance.name} has {instance.fingerprint[:16]} (the same tables, scenario and --set values are needed)"
        )
    if seed is not None and header.seed != seed:
        raise SavedStateError(f"{path}: saved under seed {header.seed}; this run has seed {seed}")
    wanted = {
        _entry(replication, component, name)
        for replication in range(header.replications)
        for component in range(header.components)
        for name in (*_PLAIN, *_RECORDS)
    }
    absent = sorted(wanted - names)
    if absent or header.components != len(components(instance)):
        raise SavedStateError(f"{path}: states are missing ({', '.join(absent[:3]) or 'components'})")


def _check_draws(path: Path, header: Header, knowledge: Knowledge) -> None:
    """A run that goes on with other parameters than it began with would be a run of nothing."""
    central = header.fingerprint
    for replication, carried in enumerate(header.draws):
        if knowledge.instance(header.seed, replication).fingerprint == carried:
            continue
        drawn, draws = carried != central, knowledge.draw(replication) > 0
        found = "drawn" if drawn else "at their central values"
        wanted = "others drawn by this version" if drawn and draws else "drawn" if draws else "central"
        advice = {(True, False): "leave out --chance-only", (False, True): "add --chance-only"}.get((drawn, draws))
        raise SavedStateError(
            f"{path}: replication {replication} was saved with parameters {found}; this run has them {wanted}"
            + (f" ({advice})" if advice else "")
        )


@dataclass(frozen=True)
class SavedStates:
    """The states of a file as the origin of runs; each is read when it is asked for."""

    path: Path
    header: Header
    instance: Instance

    @property
    def offer(self) -> OfferInForce:
        """The offer in force at the states' time."""
        return self.header.offer

    @property
    def is_drawn(self) -> bool:
        """Say whether some replication was saved with drawn parameters."""
        return any(carried != self.header.fingerprint for carried in self.header.draws)

    @property
    def time(self) -> float:
        """The time of the states: runs start then."""
        return self.header.time

    def plan(self, instance: Instance, component: Component, configuration: Configuration) -> FlatPlan:
        """Compile a configuration that takes over from the offer in force."""
        return self.offer.plan(instance, component, configuration)

    def rollout(self, configuration: Configuration) -> float | None:
        """Return how long those in an anchor step take to follow the mix; None: the mix goes on as it was.

        At time 0 every run has its rollout, today's too (T11).
        """
        goes_on = self.time > 0.0 and configuration == self.offer.configuration
        return None if goes_on else self.instance.settings.horizon.rollout

    def state(self, instance: Instance, component: Component, model: FlatModel, replication: int) -> State:
        """Return one state, with arrivals until the end of a run that starts from it."""
        if replication >= self.header.replications:
            raise SavedStateError(
                f"{self.path}: holds {self.header.replications} replications; replication {replication} is asked for"
            )
        state = self._stored(component.index, model, replication)
        until = self.time + self._run
        if until <= self.header.arrivals_until:
            return state
        known, more = (
            before_warm_up(each, component, model, seed=self.header.seed, replication=replication)
            for each in (_running_until(instance, end) for end in (self.header.arrivals_until, until))
        )
        return _joined(state, more, ~np.isin(_keys(more), _keys(known)))

    @cached_property
    def _run(self) -> float:
        return self.instance.settings.horizon.run

    def _stored(self, component: int, model: FlatModel, replication: int) -> State:
        try:
            with zipfile.ZipFile(self.path) as archive:
                names = (*_PLAIN, *_RECORDS)
                arrays: dict[str, Any] = {name: _read(archive, _entry(replication, component, name)) for name in names}
            for name, kind in _RECORDS.items():
                arrays[name] = _copied(arrays[name], kind)
            state = State(time=self.time, **arrays)
        except _UNREADABLE as error:
            raise SavedStateError(f"{self.path}: cannot be read ({error})") from error
        _check_shapes(self.path, state, model)
        return state


def _check_shapes(path: Path, state: State, model: FlatModel) -> None:
    count = len(state.patients)
    shapes = {
        "patients": (count,),
        "slots": (count, len(model.slot_resource)),
        "clocks": (count, len(model.hazard_names)),
        "marks": (count, len(model.mark_names)),
        "visits": (count, len(model.name_purpose)),
        "turnover_time": (len(state.turnover_time),),
        "turnover_pool": (len(state.turnover_time),),
        "turnover_units": (len(state.turnover_time),),
        "waiting": (len(state.waiting), 3),
    }
    wrong = [name for name, shape in shapes.items() if getattr(state, name).shape != shape]
    wrong += [name for name, kind in _PLAIN.items() if getattr(state, name).dtype != kind]
    if wrong:
        raise SavedStateError(f"{path}: arrays of another form than the instance needs ({', '.join(wrong)})")


def _running_until(instance: Instance, end: float) -> Instance:
    horizon = instance.settings.horizon.model_copy(update={"run": end})
    return replace(instance, settings=instance.settings.model_copy(update={"horizon": horizon}))


def _keys(state: State) -> npt.NDArray[Any]:
    """Return who everyone is in the streams, as one comparable value each."""
    both: Sequence[npt.NDArray[Any]] = (state.patients["group"], state.patients["ordinal"])
    return np.stack(both, axis=1).astype(">u8").view("S16")[:, 0]


def _joined(state: State, more: State, chosen: npt.NDArray[np.bool_]) -> State:
    """Return the state with those still to come that are chosen of another, in the order of rows of a state."""
    extra = np.flatnonzero(chosen & (more.patients["status"] == Status.TO_COME))
    patients = np.concatenate([state.patients, more.patients[extra]])
    order = np.lexsort((patients["ordinal"], patients["first_profile"], patients["zone"]))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    width = state.slots.shape[1] + 1
    who, slot = np.divmod(state.waiting[:, 2], width)
    waiting = state.waiting.copy()
    waiting[:, 2] = place[who] * width + slot
    by_patient = [each.name for each in fields(State) if each.name in (*_RECORDS, "marks", "visits")]
    tables: dict[str, Any] = {
        name: np.concatenate([getattr(state, name), getattr(more, name)[extra]])[order] for name in by_patient
    }
    return replace(state, **tables, waiting=waiting)
