"""A session with the explorer, as a state machine without a screen: answers in, views out, every step undoable.

A session holds a history of cases, what is looked at and what is supposed. It changes only by the methods here, each
of which either succeeds or raises with nothing changed; `handle` takes the same as a message and returns a refusal in
words, so that no message can break the page.
"""

from __future__ import annotations

__all__ = ["Part", "Session"]

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from toetwitch.display.explorer.answers import Answer, evidence_of
from toetwitch.display.explorer.history import Case, History, case_of
from toetwitch.display.explorer.subject import Quick, Subject
from toetwitch.display.explorer.views import (
    details_view,
    explanation_view,
    flags_view,
    questions_view,
    quick_view,
    what_if_view,
)
from toetwitch.errors import EvidenceError, ToetwitchError, UnknownNameError
from toetwitch.evidence import is_unknown
from toetwitch.knowledge.case_file import read_case_file

View = dict[str, Any]

LARGEST_FILE = 1_000_000
"""Characters of a case that is loaded; a case of every variable has some thousands."""


@dataclass(frozen=True, slots=True)
class Part:
    """Something to compute later; equal parts have the same answer.

    Parameters
    ----------
    function
        What computes it.
    arguments
        Of what.
    """

    function: Callable[..., View]
    arguments: tuple[object, ...]

    def __call__(self) -> View:
        """Compute it."""
        return self.function(*self.arguments)


class Session:
    """One case being explored.

    Parameters
    ----------
    subject
        The model or network.
    evidence
        What is known at the start.

    Raises
    ------
    UnknownNameError, EvidenceError
        For evidence that cannot be read.
    """

    def __init__(self, subject: Subject, evidence: Mapping[str, object] | None = None) -> None:
        self.subject = subject
        self._history = History(self._read({} if evidence is None else evidence))
        self._selected: str | None = None
        self._supposed: tuple[str, str] | None = None
        self._quick: tuple[Case, Quick] | None = None

    # -- what is so ---------------------------------------------------------------------------------------------------

    @property
    def case(self) -> Case:
        """Id to what is known of it."""
        return self._history.present

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to undo."""
        return bool(self._history.past)

    @property
    def can_redo(self) -> bool:
        """Whether there is an undone step."""
        return bool(self._history.future)

    @property
    def quick(self) -> Quick:
        """The level and the posteriors of the case; computed once for each case."""
        if self._quick is None or self._quick[0] is not self.case:
            self._quick = (self.case, self.subject.quick(self.case))
        return self._quick[1]

    @property
    def selected(self) -> str:
        """The id that is explained: the one chosen, else the leading one; "" when there is none."""
        ranking = self.quick.ranking
        if self._selected is not None and (self._selected in ranking or not ranking):
            return self._selected
        return ranking[0] if ranking else ""

    @property
    def supposed(self) -> tuple[str, str] | None:
        """The id that is set in the what-if, and its state: what was chosen, else a known answer that could change."""
        if self._supposed is not None:
            return self._supposed
        for id, state in self.subject.modifiable.items():
            variable = self.subject.network.variables[id]
            known = self.case.get(id)
            if isinstance(known, bool | str) and variable.index(known) != variable.index(state):
                return id, state
        return None

    # -- what changes it ----------------------------------------------------------------------------------------------

    def answer(self, id: str, state: str | bool, sure: float = 1.0) -> None:
        """Say that a variable is in a state, and how sure that is.

        Raises
        ------
        UnknownNameError
            For an id or state that does not exist; carries the nearest one.
        EvidenceError
            For a sureness that says nothing.
        """
        variable = self._variable(id)
        self.tell(id, evidence_of(variable, Answer(variable.states[variable.index(state)], sure)))

    def tell(self, id: str, value: object) -> None:
        """Say what is known of a variable, in any kind of evidence; an unknown value takes it back.

        Raises
        ------
        UnknownNameError, EvidenceError
            For what cannot be read as evidence.
        """
        self._variable(id)
        if is_unknown(value):
            case = {known: said for known, said in self.case.items() if known != id}
        else:
            case = {**self.case, id: value}
        self.replace(case)

    def replace(self, evidence: Mapping[str, object]) -> None:
        """Make this the case.

        Raises
        ------
        UnknownNameError, EvidenceError
            For what cannot be read as evidence.
        """
        self._history = self._history.then(self._read(evidence))

    def undo(self) -> None:
        """Take back the last change of the case; nothing where there is none."""
        self._history = self._history.undone()

    def redo(self) -> None:
        """Make the change that was taken back last; nothing where there is none."""
        self._history = self._history.redone()

    def reset(self) -> None:
        """Know nothing; can be undone."""
        self._history = self._history.then(case_of({}))

    def select(self, id: str | None) -> None:
        """Look at a variable; None for whatever leads.

        Raises
        ------
        UnknownNameError
            For an id that does not exist.
        """
        self._selected = None if id is None else self._variable(id).id

    def suppose(self, id: str | None, state: str | bool | None = None) -> None:
        """Ask what would be if a variable were set; None for nothing.

        Raises
        ------
        UnknownNameError
            For an id that may not be set, or a state that it does not have.
        """
        if id is None:
            self._supposed = None
            return
        modifiable = self.subject.modifiable
        if id not in modifiable:
            raise UnknownNameError("variable", id, modifiable, where="among what can be set")
        variable = self._variable(id)
        self._supposed = (id, variable.states[variable.index(modifiable[id] if state is None else state)])

    def load(self, text: str, name: str = "case.toml") -> None:
        """Make the case of a file the case.

        Raises
        ------
        ModelFileError, UnknownNameError, EvidenceError
            For what is no case of this network; names the file and the place.
        """
        if len(text) > LARGEST_FILE:
            raise EvidenceError(f"{name!r} has {len(text)} characters; expected a case, at most {LARGEST_FILE}")
        self.replace(read_case_file(name, text.encode(), self.subject.network.variables))

    def handle(self, message: Mapping[str, Any]) -> str:
        """Do what a message of the page asks, and return "", or why not in words.

        Examples
        --------
        >>> from toetwitch.display.explorer.subject import subject_of
        >>> session = Session(subject_of(None))
        >>> session.handle({"do": "answer", "id": "foot_drop", "state": "true"})
        ''
        >>> session.handle({"do": "answer", "id": "foot_dorp", "state": "true"})
        "unknown variable 'foot_dorp' to answer; did you mean 'foot_drop'?"
        """
        actions: dict[str, Callable[..., None]] = {
            "answer": self.answer,
            "clear": partial(self.tell, value=None),
            "undo": self.undo,
            "redo": self.redo,
            "reset": self.reset,
            "select": self.select,
            "suppose": self.suppose,
            "load": self.load,
        }
        given = {key: value for key, value in message.items() if key != "do"}
        action = actions.get(str(message.get("do")))
        if action is None:
            return str(UnknownNameError("action", message.get("do"), actions))
        try:
            action(**given)
        except ToetwitchError as error:
            return str(error)
        except TypeError as error:
            return f"{dict(message)!r} cannot be done ({error})"
        return ""

    # -- what is shown ------------------------------------------------------------------------------------------------

    def flags(self) -> View | None:
        """Return what can be shown before any probability is computed; None where the probabilities are known."""
        if self._quick is None or self._quick[0] is self.case or not self.subject.has_rules:
            return None
        return flags_view(self.subject, self.case, self._quick[1])

    def view(self) -> View:
        """Return what is shown at once."""
        supposed = self.supposed
        return quick_view(self.subject, self.case, self.quick) | {
            "undo": self.can_undo,
            "redo": self.can_redo,
            "selected": self.selected,
            "supposed": None if supposed is None else {"id": supposed[0], "state": supposed[1]},
        }

    def later(self) -> dict[str, Part]:
        """Return what takes longer, by name in the order in which to compute it; each part is of the case now."""
        if self.quick.problem:
            return {}
        parts: dict[str, Part] = {}
        if self.selected:
            # Of a model every cause is asked about, whichever is looked at.
            about = "" if self.subject.has_rules else self.selected
            parts["ask"] = Part(questions_view, (self.subject, self.case, about))
            parts["why"] = Part(explanation_view, (self.subject, self.case, self.selected))
        if self.supposed is not None:
            parts["what_if"] = Part(what_if_view, (self.subject, self.case, dict([self.supposed])))
        parts["details"] = Part(details_view, (self.subject, self.case))
        return parts

    # -- inside -------------------------------------------------------------------------------------------------------

    def _read(self, evidence: Mapping[str, object]) -> Case:
        self.subject.network.read(evidence)
        variables = self.subject.network.variables
        return case_of({id: _plain(variables[id].is_binary, v) for id, v in evidence.items() if not is_unknown(v)})

    def _variable(self, id: str) -> Any:
        variables = self.subject.network.variables
        if id not in variables:
            raise UnknownNameError("variable", id, variables, where="to answer")
        return variables[id]


def _plain(is_binary: bool, value: object) -> object:
    """Return the states of a binary variable as bools, however they were said, so that equal cases are equal."""
    if is_binary and isinstance(value, str):
        return value == "true"
    return bool(value) if type(value).__name__ in ("bool_", "bool") else value
