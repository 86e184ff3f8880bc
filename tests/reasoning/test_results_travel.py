"""Every result goes to another process and back: it can be pickled and deeply copied, and is frozen either way."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pytest

import toetwitch as tt
from toetwitch.frozen import FrozenMapping

MODEL = tt.load_model()
CASE: dict[str, object] = {"fasciculation": True, "foot_drop": True, "high_stress": True, "numbness": False}
VERBS: dict[str, Callable[[], object]] = {
    "assess": lambda: MODEL.assess(
        {**CASE, "muscle_weakness": tt.likelihood({"none": 0.2, "mild": 0.8, "significant": 0.1})}
    ),
    "assess, impossible": lambda: MODEL.assess({"thiazide_diuretic": True, "diuretic_or_ppi_use": False}),
    "explain": lambda: MODEL.explain(CASE, "lumbar_radiculopathy"),
    "attribute": lambda: MODEL.attribute(CASE),
    "next_questions": lambda: MODEL.next_questions(CASE),
    "what_if": lambda: MODEL.what_if(CASE, {"caffeine_intake": "none_or_low"}, ["akathisia"]),
    "counterfactual": lambda: MODEL.counterfactual(
        {"numbness": True}, {"caffeine_intake": "none_or_low"}, ["akathisia"]
    ),
    "advise": lambda: MODEL.advise(CASE),
    "sensitivity": lambda: MODEL.sensitivity(CASE, "lumbar_radiculopathy"),
    "flip": lambda: MODEL.flip({"fasciculation": True}),
    "intervals": lambda: MODEL.intervals(CASE, draws=16, rng=np.random.default_rng(0)),
    "conflict": lambda: MODEL.conflict(CASE),
    "compare": lambda: MODEL.compare({"fasciculation": True}, CASE),
    "diary": lambda: MODEL.diary({date(2026, 1, 1): True, date(2026, 1, 9): False}),
    "posterior": lambda: MODEL.network.posterior(CASE),
    "plan": lambda: MODEL.network.plan(CASE),
}


def values(found: Any) -> Any:
    """Return a result as nested plain values that compare with ==: arrays as bytes, records as what they hold."""
    if isinstance(found, np.ndarray):
        return found.dtype.str, found.shape, found.tobytes()
    if dataclasses.is_dataclass(found) and not isinstance(found, type):
        return type(found), [values(getattr(found, field.name)) for field in dataclasses.fields(found)]
    if isinstance(found, dict):
        return [(key, values(value)) for key, value in found.items()]
    if isinstance(found, (tuple, list)):
        return [values(item) for item in found]
    return repr(found)


@pytest.mark.parametrize("name", VERBS)
def test_a_result_survives_pickling_and_copying(name: str) -> None:
    """A result read back from bytes, and its deep copy, hold what it holds."""
    found = VERBS[name]()
    assert values(pickle.loads(pickle.dumps(found))) == values(found)
    assert values(copy.deepcopy(found)) == values(found)


def test_a_model_and_its_network_travel() -> None:
    """A pickled model, and its network alone, answer with the same bits as the original, in the same setting."""
    model = tt.load_model(setting="primary_care")
    arrived = pickle.loads(pickle.dumps(model))
    assert (arrived.setting, values(arrived.assess(CASE))) == (model.setting, values(model.assess(CASE)))
    network = pickle.loads(pickle.dumps(model.network))
    assert network.posterior(CASE, list(model.causes)) == model.network.posterior(CASE, list(model.causes))


def test_a_copy_is_as_frozen_as_its_original() -> None:
    """A copy refuses a change of what it maps, as the original does."""
    for answer in (MODEL.assess(CASE), pickle.loads(pickle.dumps(MODEL.assess(CASE)))):
        with pytest.raises(TypeError, match="frozen"):
            answer.causes["akathisia"] = 1.0


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.update(b=2),
        lambda m: m.pop("a"),
        lambda m: m.popitem(),
        lambda m: m.clear(),
        lambda m: m.setdefault("b", 2),
        lambda m: m.__delitem__("a"),
        lambda m: m.__ior__({"b": 2}),
    ],
)
def test_a_frozen_mapping_refuses_every_change(change: Callable[[Any], object]) -> None:
    """No method of a dict changes a frozen mapping; what it is merged or copied into is a plain dict."""
    frozen = FrozenMapping({"a": 1})
    with pytest.raises(TypeError, match="frozen"):
        change(frozen)
    assert frozen == {"a": 1}
    assert type(frozen | {"b": 2}) is dict
    assert type(frozen.copy()) is dict
    assert copy.copy(frozen) is frozen
