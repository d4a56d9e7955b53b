"""What a plan is worth, by simulation: component by component, remembered by content."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from functools import reduce
from hashlib import sha256
from operator import add
from threading import RLock
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from instances.instance import Instance
from optimisation.running_order import in_step
from optimisation.workers import FAILURES, Failure, Task, Workers
from simulation.components import Component
from simulation.configuration import Configuration, content_key, offer_cells, todays_configuration
from simulation.targets import Keeping

Floats = NDArray[np.float64]
AccountT = TypeVar("AccountT")
AccountIn = TypeVar("AccountIn", contravariant=True)
DEFAULT_MEMORY = 500_000_000
"""Bytes of component runs held: an essence takes 56 bytes for each pool of its component beside what it is judged by,
5 kB on the Loire, 3 kB with 100 territories, where a whole plan in one replication is then about 80 kB. What falls out
is read again from the run folder."""
KEPT_AT_ONCE = 64
"""Component runs after which what was found is handed to the memory that outlives the process: at most so many are
lost when a process is killed, and 64 essences are under 3 MB, little beside the runs themselves."""

RunKey = tuple[str, int]
"""What was decided for one component, as a hash, and the replication."""


@dataclass(frozen=True)
class Judgement:
    """What a configuration's accounts are worth."""

    values: Floats
    """[replication, objective] as the objectives are stated."""
    point: Floats
    """[objective] the value a search goes by (means; for solvency a mean less deviations)."""
    flags: tuple[str, ...] = ()
    """Reasons to keep the plan off the front: harmful, unstable, a budget likely overrun, a target likely missed."""
    violation: float = 0.0
    """By how much budgets are likely overrun and targets missed, as a part of them and of their scales."""
    tie: float = 0.0
    """What settles ties in solvency, taken off its point (`Objectives.tie`)."""
    books: Floats = field(default_factory=lambda: np.empty((0, 0, 3)))
    """[replication, firm, 3] revenue, operating cost and all cost of each firm (`Objectives.books`)."""
    kept: tuple[Keeping, ...] = ()
    """How likely each target of the instance is kept, in their order."""
    point_values: Floats | None = None
    """[replication, objective] what the point is made of (`Objectives.point_values`); None: `values`."""
    referred: tuple[int, ...] = ()
    """Objectives whose point refers to all that is known of today already (`Objectives.referred`)."""

    @property
    def made_of(self) -> Floats:
        """[replication, objective] what the point is made of."""
        return self.values if self.point_values is None else self.point_values


class Judges(Protocol[AccountIn]):
    """Turns accounts of a configuration and of today, replication by replication, into objectives."""

    def __call__(
        self, configuration: Configuration, accounts: Sequence[AccountIn], today: Sequence[AccountIn], /
    ) -> Judgement:
        """Judge a configuration."""


@dataclass(frozen=True)
class Evaluation:
    """One configuration evaluated, or why it could not be."""

    configuration: Configuration
    key: str
    replications: tuple[int, ...]
    judgement: Judgement | None
    failure: str = ""

    @property
    def is_sound(self) -> bool:
        """Whether it may stand on a front."""
        return self.judgement is not None and not self.judgement.flags


class Remembers(Protocol[AccountT]):
    """A memory of component runs that outlives the process."""

    @property
    def settled(self) -> int:
        """Component runs that count as simulated whether they are asked for or not."""

    def is_settled(self, key: RunKey) -> bool:
        """Say whether a run is one of these."""

    def recall(self, key: RunKey) -> AccountT | Failure | None:
        """Return a run if it is held."""

    def keep(self, found: Sequence[tuple[RunKey, AccountT | Failure]]) -> None:
        """Hold some runs; they are safe when this returns."""


class Evaluates(Protocol):
    """What the search asks of an evaluator."""

    @property
    def simulations(self) -> int:
        """Component runs done so far."""

    @property
    def repeats(self) -> int:
        """Component runs that were remembered instead."""

    def evaluate(self, configurations: Sequence[Configuration], replications: Sequence[int]) -> list[Evaluation]:
        """Evaluate configurations on the same replications, in order."""

    def needed(self, configurations: Sequence[Configuration], replications: Sequence[int]) -> list[int]:
        """Return how many new component runs evaluating the first one, two, ... configurations would take."""


def _nothing() -> None:
    """Wait for nothing."""


class Evaluator(Generic[AccountT]):
    """Evaluates through a twin's accounts; the same answers on any number of workers and in any order.

    One thread at a time: a second one that asks waits for the first.

    informed: makes the judge from today's accounts in the `informing` replications, which are run first.
    memory: where runs are looked up and kept beyond this process. What it holds counts as simulated when it is first
    asked for (what is settled, from the start), so that a process that was killed and begun again decides at every
    moment on the counts of one that never was.
    """

    def __init__(
        self,
        instance: Instance,
        components: Sequence[Component],
        workers: Workers[AccountT],
        informed: Callable[[Sequence[AccountT]], Judges[AccountT]],
        *,
        informing: Sequence[int] = (),
        memory_bytes: int = DEFAULT_MEMORY,
        memory: Remembers[AccountT] | None = None,
        watch: Callable[[int], None] | None = None,
    ) -> None:
        self._today = todays_configuration(instance)
        self._parts = Parts(instance, components)
        self._workers = workers
        self._informed = informed
        self._informing = tuple(informing)
        self._judge: Judges[AccountT] | None = None
        self._watch = watch
        self._accounts: _Memory[AccountT] = _Memory(memory_bytes)
        self._memory = memory
        self._evaluations: dict[tuple[str, tuple[int, ...]], Evaluation] = {}
        self._todays_accounts: dict[int, AccountT | Failure] = {}
        self._simulations = 0 if memory is None else memory.settled
        self._counted: set[RunKey] = set()
        self._repeats = 0
        self._asking = RLock()

    @property
    def simulations(self) -> int:
        """Component runs done so far."""
        return self._simulations

    @property
    def repeats(self) -> int:
        """Component runs that were remembered instead."""
        return self._repeats

    def inform(self, after: Callable[[], None] = _nothing) -> None:
        """Run today on the replications that inform the judge, if that was not done yet.

        after: waits for what runs need; whoever asks for others meanwhile waits too.
        """
        with self._asking:
            after()
            self._informed_judge()

    def evaluate(self, configurations: Sequence[Configuration], replications: Sequence[int]) -> list[Evaluation]:
        """Evaluate configurations on the same replications, in order."""
        with self._asking:
            return self._evaluated(configurations, tuple(replications))

    def _evaluated(self, configurations: Sequence[Configuration], chosen: tuple[int, ...]) -> list[Evaluation]:
        keys = [content_key(configuration) for configuration in configurations]
        new = {
            key: configuration
            for key, configuration in zip(keys, configurations, strict=True)
            if (key, chosen) not in self._evaluations
        }
        for (key, configuration), accounts in zip(new.items(), self._beside_today(new.values(), chosen), strict=True):
            self._evaluations[key, chosen] = self._judged(configuration, key, chosen, accounts)
        return [self._evaluations[key, chosen] for key in keys]

    def needed(self, configurations: Sequence[Configuration], replications: Sequence[int]) -> list[int]:
        """Return how many new component runs evaluating the first one, two, ... configurations would take.

        Today's runs are in every count, those that inform the judge too.
        """
        new: set[RunKey] = set()
        counts = []
        with self._asking:
            self._add_new(new, self._today, [*replications, *self._informing])
            for configuration in configurations:
                self._add_new(new, configuration, replications)
                counts.append(len(new))
        return counts

    def todays(self, replications: Sequence[int]) -> list[AccountT | Failure]:
        """Return today's accounts in replications, run where they were not yet."""
        chosen = tuple(replications)
        with self._asking:
            self._beside_today((), chosen)
        return [self._todays_accounts[replication] for replication in chosen]

    def close(self) -> None:
        """Give the workers back."""
        self._workers.close()

    def _add_new(self, new: set[RunKey], configuration: Configuration, replications: Sequence[int]) -> None:
        for part in range(self._parts.count):
            key = self._parts.key(configuration, part)
            new |= {(key, number) for number in replications if self._is_new((key, number))}

    def _is_new(self, key: RunKey) -> bool:
        return not self._is_counted(key) or self._recalled(key) is None

    def _is_counted(self, key: RunKey) -> bool:
        return key in self._counted or (self._memory is not None and self._memory.is_settled(key))

    def _recalled(self, key: RunKey) -> AccountT | Failure | None:
        known = self._accounts.get(key)
        if known is not None or self._memory is None:
            return known
        kept = self._memory.recall(key)
        if kept is not None and not isinstance(kept, Failure):
            self._accounts.put(key, kept)
        return kept

    def _informed_judge(self) -> Judges[AccountT]:
        if self._judge is None:
            self._beside_today((), self._informing)
            today = [self._todays_accounts[replication] for replication in self._informing]
            self._judge = self._informed([account for account in today if not isinstance(account, Failure)])
        return self._judge

    def _beside_today(
        self, configurations: Iterable[Configuration], replications: tuple[int, ...]
    ) -> list[list[AccountT | Failure]]:
        """Return the accounts [configuration][replication]; today's, where there are none yet, are kept apart."""
        missing = [replication for replication in replications if replication not in self._todays_accounts]
        todays, *found = self._wholes([(self._today, missing), *((one, replications) for one in configurations)])
        self._todays_accounts.update(zip(missing, todays, strict=True))
        return found

    def _judged(
        self,
        configuration: Configuration,
        key: str,
        replications: tuple[int, ...],
        accounts: Sequence[AccountT | Failure],
    ) -> Evaluation:
        today = [self._todays_accounts[replication] for replication in replications]
        failure = next((one.message for one in (*today, *accounts) if isinstance(one, Failure)), "")
        if failure:
            return Evaluation(configuration, key, replications, None, failure)
        sound = [one for one in accounts if not isinstance(one, Failure)]
        reference = [one for one in today if not isinstance(one, Failure)]
        try:
            judgement = self._informed_judge()(configuration, sound, reference)
        except FAILURES as error:
            return Evaluation(configuration, key, replications, None, f"{type(error).__name__}: {error}")
        if not (np.isfinite(judgement.values).all() and np.isfinite(judgement.point).all()):
            return Evaluation(configuration, key, replications, None, "an objective is not a finite number")
        return Evaluation(configuration, key, replications, judgement)

    def _wholes(self, wanted: Sequence[tuple[Configuration, Sequence[int]]]) -> list[list[AccountT | Failure]]:
        """Return the accounts of wholes, given as (configuration, replications): sums over components, in their order.

        All runs are handed to the workers at once; the same part of two configurations is run once.
        """
        keys = [
            [[(self._parts.key(one, part), number) for part in range(self._parts.count)] for number in replications]
            for one, replications in wanted
        ]
        found: dict[RunKey, AccountT | Failure] = {}
        tasks: dict[RunKey, Task] = {}
        for (configuration, _), rows in zip(wanted, keys, strict=True):
            for key, part in ((key, part) for row in rows for part, key in enumerate(row)):
                known = None if key in found else self._recalled(key)
                if known is not None:
                    found[key] = known
                    self._count(key)
                if key in found or key in tasks:
                    self._repeats += 1
                else:
                    tasks[key] = Task(configuration, part, key[1])
        order = in_step(tasks)
        unkept: list[tuple[RunKey, AccountT | Failure]] = []
        coming = iter(order)

        def done(answer: AccountT | Failure) -> None:
            unkept.append((next(coming), answer))
            self._count(unkept[-1][0], again=True)
            if len(unkept) == KEPT_AT_ONCE:
                self._keep(unkept)
                unkept.clear()

        try:
            found.update(zip(order, self._workers.run([tasks[key] for key in order], done), strict=True))
        finally:  # what was found before Ctrl-C is not simulated again
            self._keep(unkept)
        return [[_sum([found[key] for key in row]) for row in rows] for rows in keys]

    def _keep(self, runs: Sequence[tuple[RunKey, AccountT | Failure]]) -> None:
        for key, answer in runs:
            if not isinstance(answer, Failure):
                self._accounts.put(key, answer)
        if self._memory is not None:
            self._memory.keep(runs)

    def _count(self, key: RunKey, *, again: bool = False) -> None:
        """Count a run when it is first asked for; again: or because it was run, perhaps not for the first time."""
        if not again and self._is_counted(key):
            return
        self._counted.add(key)
        self._simulations += 1
        if self._watch is not None:
            self._watch(self._simulations)


def _sum(parts: Sequence[AccountT | Failure]) -> AccountT | Failure:
    failure = next((part for part in parts if isinstance(part, Failure)), None)
    return failure if failure is not None else reduce(add, parts)


class Parts:
    """Which decisions concern which component, as a hash of exactly those."""

    def __init__(self, instance: Instance, components: Sequence[Component]) -> None:
        territories = [zone.zone for zone in instance.territories]
        cells = [territories.index(cell.zone) for cell in offer_cells(instance)]
        rows = [territories.index(row.zone) for row in instance.capacities]
        inside = [set(component.territories) for component in components]
        self._cells = [[n for n, zone in enumerate(cells) if zone in zones] for zones in inside]
        self._rows = [[n for n, zone in enumerate(rows) if zone in zones] for zones in inside]

    @property
    def count(self) -> int:
        """Number of components."""
        return len(self._cells)

    def key(self, configuration: Configuration, part: int) -> str:
        """Return the key of what a configuration decides for one component.

        The contract is in it although it moves nobody: prices hold for the whole territory, so that another contract
        is another account, and hence another essence, of every component. What it would take to save the runs is the
        log of events of each (tens of megabytes on a department, against kilobytes of an essence).
        """
        text = repr(
            (
                part,
                [configuration.shares[number] for number in self._cells[part]],
                [configuration.capacities[number] for number in self._rows[part]],
                configuration.contract,
            )
        )
        return sha256(text.encode()).hexdigest()


class _Memory(Generic[AccountT]):
    """The accounts used last, up to so many bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._held: OrderedDict[tuple[str, int], AccountT] = OrderedDict()

    def get(self, key: tuple[str, int]) -> AccountT | None:
        """Return an account if it is held."""
        if key in self._held:
            self._held.move_to_end(key)
        return self._held.get(key)

    def put(self, key: tuple[str, int], account: AccountT) -> None:
        """Hold an account, letting go of those not used for longest."""
        if key in self._held:
            self._size -= _bytes(self._held.pop(key))
        self._held[key] = account
        self._size += _bytes(account)
        while self._size > self._limit and len(self._held) > 1:
            _, dropped = self._held.popitem(last=False)
            self._size -= _bytes(dropped)


def _bytes(account: object) -> int:
    if not is_dataclass(account):
        return 100
    return sum(int(getattr(getattr(account, field.name), "nbytes", 8)) for field in fields(account))
