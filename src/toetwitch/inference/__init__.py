"""Names to arrays and back: the only door to the engine."""

from toetwitch.inference.disablement import Disablement
from toetwitch.inference.exact import Answer, ExactInference
from toetwitch.inference.resolution import Numbers, Resolved, resolve
from toetwitch.inference.twin import TwinInference

__all__ = ["Answer", "Disablement", "ExactInference", "Numbers", "Resolved", "TwinInference", "resolve"]
