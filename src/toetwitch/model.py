"""The facade `Model`: a cited network, its red flags and its advice behind one-line methods.

Examples
--------
>>> model = load_model()
>>> answer = model.assess({"toe_movement": True, "foot_drop": True, "caffeine_intake": "high", "numbness": None})
>>> answer.triage.level
'immediate_medical_attention'
"""

from __future__ import annotations

__all__ = ["TRIAGE_LEVELS", "Model", "Network", "load_model", "read_network"]

import os
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from toetwitch.errors import UnknownNameError
from toetwitch.frames import read_codes, write_frame
from toetwitch.inference import ExactInference
from toetwitch.knowledge.definition import ModelDefinition
from toetwitch.knowledge.model_file import read_model
from toetwitch.knowledge.model_folder import default_model_path
from toetwitch.knowledge.red_flag import TRIAGE_LEVELS
from toetwitch.network import Network, read_network
from toetwitch.reasoning.assessment import Assessor, Identity
from toetwitch.reasoning.cohort import assess_codes
from toetwitch.reasoning.model_questions import ModelQuestions
from toetwitch.reasoning.network_card import network_card
from toetwitch.reasoning.settings import at_setting


class Model(ModelQuestions):
    """A cited model of what makes toes move; immutable, and safe to share between threads.

    Parameters
    ----------
    definition
        What the model file says.
    setting
        Where the person is seen; shifts the priors of the causes, and with them the probabilities from which the
        posterior asks for a level. The model's default when None.
    memory_budget
        Bytes that one question may need; the need is predicted before anything is allocated.

    Raises
    ------
    UnknownNameError
        For a setting that the model does not have.
    TableError
        When no intercept or leak gives a cited prevalence.
    """

    __slots__ = ("_setting",)

    def __init__(
        self, definition: ModelDefinition, *, setting: str | None = None, memory_budget: int = 2 * 2**30
    ) -> None:
        setting = definition.default_setting if setting is None else setting
        if setting not in definition.settings:
            raise UnknownNameError("setting", setting, definition.settings)
        shifts = {id: estimate.value for id, estimate in definition.settings[setting].odds_ratios.items()}
        inference = ExactInference(definition.network, shifts=shifts, memory_budget=memory_budget)
        self._definition = definition
        self._setting = setting
        self._network = Network.from_inference(inference)
        book = at_setting(definition.rules, shifts)
        self._assessor = Assessor(inference, book, Identity(definition.name, definition.version, setting))

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process as what the model file says; plans are made anew there."""
        budget = self._network.inference.memory_budget
        return partial(type(self), setting=self._setting, memory_budget=budget), (self._definition,)

    @property
    def definition(self) -> ModelDefinition:
        """What the model file says: every number with its source."""
        return self._definition

    @property
    def setting(self) -> str:
        """Where the person is seen."""
        return self._setting

    @property
    def network(self) -> Network:
        """The Bayesian network."""
        return self._network

    def assess_many(self, frame: Any, *, policy: str | None = None, threads: int | None = None) -> Any:
        """Answer a frame of cases: one row a case, a missing cell unknown.

        Parameters
        ----------
        frame
            A pandas or polars data frame, an Arrow table or record batch; columns are ids of variables. Cells may
            hold soft evidence where the frame can hold objects.
        policy
            "article" or "guideline"; the model's default when None.
        threads
            How many cores to use; all by default.

        Returns
        -------
        frame
            Of the same kind, with the index kept: `status` ("ok", "impossible", "invalid") and `reason`, `level`,
            `rules_level`, `posterior_level`, `red_flags` (ids joined by spaces), `most_probable_cause`,
            `no_listed_cause`, `log_evidence`, and P(cause present | evidence) under each cause's id. A row without a
            posterior keeps its level and flags. The counterfactual ranking is left to `assess`.

        Raises
        ------
        UnknownNameError
            For a column that is no variable; carries the nearest id.
        EvidenceError
            For something that is not a frame.
        """
        codes = read_codes(frame, self._network.variables)
        return write_frame(frame, assess_codes(self._assessor, codes, policy, threads=threads))

    def _repr_html_(self) -> str:
        d = self._definition
        return network_card(d.network, f"Model {d.name} {d.version}, setting {self._setting}")

    def __repr__(self) -> str:
        d = self._definition
        return f"<Model {d.name} {d.version}, setting {self._setting}, {len(self._network.variables)} variables>"


def load_model(
    path: str | os.PathLike[str] | None = None, *, setting: str | None = None, memory_budget: int = 2 * 2**30
) -> Model:
    """Load a model folder; the model that comes with the library by default.

    Parameters
    ----------
    path
        The folder of an edited copy.
    setting
        Where the person is seen: "community", "primary_care" or "neurology_clinic" for the library's model.
    memory_budget
        Bytes that one question may need.

    Raises
    ------
    ModelFileError
        When the folder is not a model; the message holds file, place, value, and what was expected.
    UnknownNameError
        For a setting that the model does not have.
    """
    if path is None:
        return _default_model(setting, memory_budget)
    return Model(read_model(Path(path)), setting=setting, memory_budget=memory_budget)


@lru_cache(maxsize=8)
def _default_model(setting: str | None, memory_budget: int) -> Model:
    return Model(read_model(default_model_path()), setting=setting, memory_budget=memory_budget)
