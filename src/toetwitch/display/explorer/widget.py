"""`explore`: the session on a page, in JupyterLab, VS Code and the classic notebook.

The page is an anywidget: one JavaScript module and one style sheet that come with the library, nothing fetched. Its
messages are handled by `Session`; what it shows is sent as JSON, the quick part at once and the rest as it is ready.
"""

from __future__ import annotations

__all__ = ["Explorer", "ExplorerLibraryMissingError", "explore"]

import importlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from toetwitch.display.explorer.background import Background
from toetwitch.display.explorer.history import Case
from toetwitch.display.explorer.session import Part, Session
from toetwitch.display.explorer.subject import subject_of
from toetwitch.display.explorer.views import catalogue
from toetwitch.errors import ToetwitchError
from toetwitch.knowledge.case_file import case_text
from toetwitch.markup import Markup, card, paragraph
from toetwitch.model import Model
from toetwitch.network import Network
from toetwitch.reasoning.assessment import Assessment

PARTS = ("details", "why", "ask", "what_if")
"""What is sent later, each as a trait of the page."""


class ExplorerLibraryMissingError(ToetwitchError, ImportError):
    """The library that puts the explorer on a page is not installed."""


def explore(
    model: Model | Network | None = None,
    evidence: Mapping[str, object] | None = None,
    *,
    policy: str | None = None,
) -> Explorer:
    """Explore a case in a notebook: answer, and see level, causes, reasons and next questions move.

    Parameters
    ----------
    model
        A model, or any network; the library's own model by default.
    evidence
        What is known at the start, as for `Model.assess`.
    policy
        Whose level counts; the model's default when None.

    Returns
    -------
    Explorer
        Shown as the last value of a cell; its `evidence` and `assessment` can be read at any time.

    Raises
    ------
    ExplorerLibraryMissingError
        Without anywidget: ``pip install 'toetwitch[explore]'``.
    UnknownNameError, EvidenceError
        For evidence that cannot be read.
    """
    return Explorer(Session(subject_of(model, policy), evidence))


class Explorer:
    """A session on a page; `explore` makes one.

    Parameters
    ----------
    session
        The case being explored.

    Raises
    ------
    ExplorerLibraryMissingError
        Without anywidget: ``pip install 'toetwitch[explore]'``.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self._assessed: tuple[Case, Assessment | None] | None = None
        self._observers: list[Callable[[Explorer], None]] = []
        self._asked: dict[str, _Asked] = {}
        self._open: set[str] = set()
        self._count = 0
        self._background = Background(self._deliver, self._refuse)
        self.widget = _page_class()(catalogue=catalogue(session.subject))
        self.widget.on_msg(self._receive)
        self._show()

    # -- from Python --------------------------------------------------------------------------------------------------

    @property
    def evidence(self) -> dict[str, object]:
        """The case now, as evidence; a copy."""
        return dict(self.session.case)

    @evidence.setter
    def evidence(self, evidence: Mapping[str, object]) -> None:
        self.session.replace(evidence)
        self._changed()

    @property
    def assessment(self) -> Assessment | None:
        """The assessment of the case now; None for a network without rules."""
        case = self.session.case
        if self._assessed is None or self._assessed[0] is not case:
            self._assessed = (case, self.session.subject.assess(case))
        return self._assessed[1]

    @property
    def posterior(self) -> dict[str, dict[str, float]]:
        """Id to state to probability, as shown in the bars; empty where the evidence cannot be."""
        return {id: dict(row) for id, row in self.session.quick.posterior.items()}

    @property
    def code(self) -> str:
        """The case as Python code."""
        return str(self.session.view()["code"])

    def tell(self, id: str, value: object) -> None:
        """Say what is known of a variable, in any kind of evidence; None takes it back.

        Raises
        ------
        UnknownNameError, EvidenceError
            For what cannot be read as evidence.
        """
        self.session.tell(id, value)
        self._changed()

    def undo(self) -> None:
        """Take back the last change; nothing where there is none."""
        self.session.undo()
        self._changed()

    def redo(self) -> None:
        """Make the change that was taken back last; nothing where there is none."""
        self.session.redo()
        self._changed()

    def reset(self) -> None:
        """Know nothing; can be undone."""
        self.session.reset()
        self._changed()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the case as a TOML file, which `load` and the command line read.

        Raises
        ------
        OSError
            When the file cannot be written.
        """
        Path(path).write_text(case_text(self.session.case), encoding="utf-8")

    def load(self, path: str | os.PathLike[str]) -> None:
        """Read the case from a TOML or JSON file, such as `save` or the command line's users write.

        Raises
        ------
        ModelFileError, UnknownNameError, EvidenceError
            For what is no case of this network.
        OSError
            When the file cannot be read.
        """
        self.session.load(Path(path).read_text(encoding="utf-8"), Path(path).name)
        self._changed()

    def observe(self, callback: Callable[[Explorer], None]) -> Callable[[], None]:
        """Call a function with this explorer after each change of the case; return what stops that."""
        self._observers.append(callback)
        return lambda: self._observers.remove(callback)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until explanation, questions and what-if are there; return whether they are."""
        return self._background.wait(seconds)

    def __repr__(self) -> str:
        return f"<Explorer of the {self.session.subject.title}, {len(self.session.case)} answers known>"

    def _repr_html_(self) -> str:
        """Return the case as a card, for where no widget can be shown."""
        answer = self.assessment
        return answer._repr_html_() if answer is not None else card("Explorer", paragraph(repr(self)))

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = self.widget._repr_mimebundle_(**kwargs)
        # A page without widgets, such as a notebook on a web site, shows the card instead.
        return {**data, "text/plain": repr(self), "text/html": Markup(self._repr_html_())}, metadata

    # -- from and to the page -----------------------------------------------------------------------------------------

    def _receive(self, widget: Any, message: Any, buffers: Any) -> None:
        before = self.session.case
        try:
            refusal = self.session.handle(message if isinstance(message, Mapping) else {})
            self._show(refusal)
        except Exception as error:  # a page that stays silent would be worse than any words
            self.widget.view = {**self.widget.view, "refusal": _in_words(error)}
        if self.session.case is not before:
            self._tell_observers()

    def _changed(self) -> None:
        self._show()
        self._tell_observers()

    def _tell_observers(self) -> None:
        for callback in tuple(self._observers):
            callback(self)

    def _show(self, refusal: str = "") -> None:
        """Send the flags, then the bars, then have the rest computed: new parts, and those that are not done yet."""
        flags = self.session.flags()
        if flags is not None:
            self.widget.send(flags)
        view = self.session.view()
        asked = {}
        for name, part in self.session.later().items():
            before = self._asked.get(name)
            if before is not None and before.part == part:
                asked[name] = before
                continue
            self._count += 1
            self._open.add(name)
            asked[name] = _Asked(self._count, part)
        self._asked = asked
        self._open &= set(asked)
        self._count += 1
        serials = {name: part.serial for name, part in asked.items()}
        self.widget.view = view | {"refusal": refusal, "parts": serials, "revision": self._count}
        self._background.want({name: part for name, part in asked.items() if name in self._open})

    def _deliver(self, name: str, part: object, answer: Any) -> None:
        self._done(name, part, {"answer": answer})

    def _refuse(self, name: str, part: object, error: Exception) -> None:
        self._done(name, part, {"problem": _in_words(error)})

    def _done(self, name: str, part: object, what: Mapping[str, Any]) -> None:
        asked = self._asked.get(name)
        if asked is not None and asked is part:
            self._open.discard(name)
            setattr(self.widget, name, {"serial": asked.serial, **what})


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """A part with a number, by which the page knows whether an answer is of what it shows."""

    serial: int
    part: Part

    def __call__(self) -> Any:
        return self.part()


def _in_words(error: Exception) -> str:
    return str(error) if isinstance(error, ToetwitchError) else f"{type(error).__name__}: {error}"


@cache
def _page_class() -> Any:
    """Return the widget class; made on first use, since its library is optional."""
    try:
        anywidget = importlib.import_module("anywidget")
        traitlets = importlib.import_module("traitlets")
    except ImportError as error:
        raise ExplorerLibraryMissingError(
            f"the explorer needs anywidget ({error}): pip install 'toetwitch[explore]'"
        ) from error
    here = resources.files("toetwitch.display.explorer")
    content = {
        "_esm": here.joinpath("explorer.js").read_text(encoding="utf-8"),
        "_css": here.joinpath("explorer.css").read_text(encoding="utf-8"),
        "__module__": __name__,
        "__doc__": "The page of the explorer: what it shows, as JSON.",
    }
    traits = {name: traitlets.Dict().tag(sync=True) for name in ("catalogue", "view", *PARTS)}
    return type("ExplorerPage", (anywidget.AnyWidget,), {**content, **traits})
