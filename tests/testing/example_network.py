"""A small network for tests of the kit, as a value and as a file."""

from __future__ import annotations

__all__ = ["BIF", "pond"]

from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.table import Cpt
from toetwitch.knowledge.variable import Variable

STATES = ("no", "yes")

BIF = """network pond { }
variable sun { type discrete [ 2 ] { no, yes }; }
variable shade { type discrete [ 2 ] { no, yes }; }
variable spots { type discrete [ 2 ] { no, yes }; }
probability ( sun ) { table 0.5, 0.5; }
probability ( shade ) { table 0.6, 0.4; }
probability ( spots | sun, shade ) {
  (no, no) 0.5, 0.5;
  (no, yes) 0.9, 0.1;
  (yes, no) 0.2, 0.8;
  (yes, yes) 0.7, 0.3;
}
"""


def pond() -> NetworkDefinition:
    """Return the network of `BIF`: spots speak against shade."""
    spots = [[[0.5, 0.5], [0.9, 0.1]], [[0.2, 0.8], [0.7, 0.3]]]
    tables = (Cpt("sun", (), [0.5, 0.5]), Cpt("shade", (), [0.6, 0.4]), Cpt("spots", ("sun", "shade"), spots))
    return NetworkDefinition(tuple(Variable(id, STATES) for id in ("sun", "shade", "spots")), tables)
