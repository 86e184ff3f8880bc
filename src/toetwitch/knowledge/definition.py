"""A model: a network whose numbers are cited, with the rules and the advice that go with it.

Order carries no meaning in a model file, so a definition puts its network into one order: variables by kind (context,
latent, cause, finding, test), then id; links by parent, then state. Two files that say the same give equal values.
"""

from __future__ import annotations

__all__ = ["ModelDefinition", "Setting", "canonical_parts", "in_canonical_order"]

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from toetwitch.errors import TableError, UnknownNameError
from toetwitch.frozen import FrozenMapping
from toetwitch.knowledge.advice import Advice
from toetwitch.knowledge.estimate import Estimate, Source
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.red_flag import RuleBook
from toetwitch.knowledge.table import Link, NoisyMax, Table
from toetwitch.knowledge.variable import KINDS, Variable


@dataclass(frozen=True, slots=True)
class Setting:
    """Where someone is seen, which changes how common causes are.

    Parameters
    ----------
    name
        How callers ask for it.
    description
        Who is seen there.
    odds_ratios
        Cause to the ratio by which its prior odds are multiplied; a cause left out is as in the reference population.
    """

    name: str
    description: str = ""
    odds_ratios: Mapping[str, Estimate] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "odds_ratios", FrozenMapping(dict(self.odds_ratios)))
        for cause, ratio in self.odds_ratios.items():
            if not ratio.low > 0:
                raise TableError(f"odds ratio {ratio.low!r} of {cause!r} in {self.name!r}; expected a number above 0")


@dataclass(frozen=True, slots=True)
class ModelDefinition:
    """Everything that a model folder says.

    Parameters
    ----------
    name, version, description
        What the model is called and what it is.
    reference
        The population that the probabilities describe.
    default_setting
        The setting used when none is asked for.
    network
        Variables and tables; kept in canonical order.
    mechanisms
        Key to how a link of that mechanism works, in words.
    sources
        Key to the work that estimates, rules and advice cite.
    settings
        Name to setting.
    rules
        Red flags and the triage policy.
    advice
        What a person can do.

    Raises
    ------
    UnknownNameError
        When there is no setting of the name `default_setting`, or a setting shifts something that is no variable.
    """

    name: str
    version: str
    description: str
    reference: str
    default_setting: str
    network: NetworkDefinition
    mechanisms: Mapping[str, str]
    sources: Mapping[str, Source]
    settings: Mapping[str, Setting]
    rules: RuleBook = field(default_factory=RuleBook)
    advice: tuple[Advice, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "network", in_canonical_order(self.network))
        for name in ("mechanisms", "sources", "settings"):
            object.__setattr__(self, name, FrozenMapping(dict(sorted(getattr(self, name).items()))))
        if self.default_setting not in self.settings:
            raise UnknownNameError("setting", self.default_setting, self.settings, where="as default_setting")
        for setting in self.settings.values():
            for cause in setting.odds_ratios:
                if cause not in self.network.by_id:
                    raise UnknownNameError("cause", cause, self.network.by_id, where=f"in setting {setting.name!r}")


def in_canonical_order(network: NetworkDefinition) -> NetworkDefinition:
    """Return the same network with variables sorted by kind, then id, and links by parent, then state.

    Examples
    --------
    >>> from toetwitch.knowledge.table import Cpt
    >>> variables = (Variable("numbness", kind="finding"), Variable("injury", kind="cause"))
    >>> tables = (Cpt("numbness", (), [0.9, 0.1]), Cpt("injury", (), [0.9, 0.1]))
    >>> [v.id for v in in_canonical_order(NetworkDefinition(variables, tables)).variables]
    ['injury', 'numbness']
    """
    variables, tables = canonical_parts(network.variables, network.tables)
    if variables == network.variables and all(a is b for a, b in zip(tables, network.tables, strict=True)):
        return network
    return NetworkDefinition(variables, tables)


def canonical_parts(
    variables: Iterable[Variable], tables: Iterable[Table]
) -> tuple[tuple[Variable, ...], tuple[Table, ...]]:
    """Return the variables and tables of a network in canonical order, one table for each variable."""
    by_id = {variable.id: variable for variable in sorted(variables, key=_variable_key)}
    rank = {id: number for number, id in enumerate(by_id)}

    def link_key(link: Link) -> tuple[int, int]:
        return rank[link.parent], by_id[link.parent].index(link.parent_state)

    ordered = []
    for table in sorted(tables, key=lambda table: rank[table.child]):
        links = tuple(sorted(table.links, key=link_key)) if isinstance(table, NoisyMax) else ()
        ordered.append(replace(table, links=links) if isinstance(table, NoisyMax) and links != table.links else table)
    return tuple(by_id.values()), tuple(ordered)


def _variable_key(variable: Variable) -> tuple[int, str]:
    return KINDS.index(variable.kind), variable.id
