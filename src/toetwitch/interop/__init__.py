"""Other formats: networks in from BIF files and pgmpy, and out to pgmpy, with nothing lost on the way."""

from toetwitch.interop.bif import parse_bif, read_bif
from toetwitch.interop.pgmpy_exchange import RESERVED_PREFIX, from_pgmpy, to_pgmpy

__all__ = ["RESERVED_PREFIX", "from_pgmpy", "parse_bif", "read_bif", "to_pgmpy"]
