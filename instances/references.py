"""Texts in cells that point at something: steps (`step`, `pathway/step`) and money's subjects (`step:...`)."""

from dataclasses import dataclass
from typing import Literal

from instances.faults import ConfiguratorError

SubjectKind = Literal["step", "resource", "service", "pathway"]
SUBJECT_KINDS: tuple[SubjectKind, ...] = ("step", "resource", "service", "pathway")


@dataclass(frozen=True, order=True)
class StepReference:
    """A step of a pathway."""

    pathway: str
    step: str

    def __str__(self) -> str:
        return f"{self.pathway}/{self.step}"


def step_reference(text: str, pathway: str) -> StepReference:
    """Resolve `step` (of the given pathway) or `pathway/step`.

    >>> step_reference("ward", "usual"), step_reference("box/home", "usual")
    (StepReference(pathway='usual', step='ward'), StepReference(pathway='box', step='home'))
    """
    before, slash, after = text.partition("/")
    return StepReference(before, after) if slash else StepReference(pathway, text)


@dataclass(frozen=True)
class Subject:
    """What a price or cost is about; `pathway` is empty for a step of every pathway."""

    kind: SubjectKind
    name: str
    pathway: str = ""


class SubjectError(ConfiguratorError):
    """A subject text that is not `kind:name`."""


def subject(text: str) -> Subject:
    """Read a price's or cost's subject.

    >>> subject("step:usual/ward")
    Subject(kind='step', name='ward', pathway='usual')
    >>> subject("resource:bed")
    Subject(kind='resource', name='bed', pathway='')
    """
    kind, colon, name = text.partition(":")
    for known in SUBJECT_KINDS:
        if colon and name and kind == known:
            pathway, slash, step = name.partition("/")
            return Subject(known, step, pathway) if known == "step" and slash else Subject(known, name)
    raise SubjectError(f"'{text}' is not a subject")
