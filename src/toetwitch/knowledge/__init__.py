"""Knowledge as frozen values: estimates, variables, tables, networks, rules, advice, and the model file.

The values are listed here; `toetwitch.knowledge.model_file` reads them from a folder and writes them.
"""

from __future__ import annotations

__all__ = [
    "Advice",
    "AllOf",
    "Anchor",
    "AnyOf",
    "AskFirst",
    "Atom",
    "Condition",
    "Cpt",
    "Effect",
    "Estimate",
    "Leak",
    "Link",
    "Logistic",
    "ModelDefinition",
    "NetworkDefinition",
    "NoisyMax",
    "Not",
    "Policy",
    "PosteriorRule",
    "RedFlag",
    "Row",
    "RuleBook",
    "Setting",
    "Source",
    "Table",
    "Variable",
]

from toetwitch.knowledge.advice import Advice
from toetwitch.knowledge.condition import AllOf, AnyOf, Atom, Condition, Not
from toetwitch.knowledge.definition import ModelDefinition, Setting
from toetwitch.knowledge.estimate import Estimate, Source
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.red_flag import AskFirst, Policy, PosteriorRule, RedFlag, RuleBook
from toetwitch.knowledge.table import Anchor, Cpt, Effect, Leak, Link, Logistic, NoisyMax, Row, Table
from toetwitch.knowledge.variable import Variable
