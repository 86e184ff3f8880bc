"""Run the measurements: `python -m benchmarks [toe] [networks] [growth] [peak]`, all of them without a name."""

from __future__ import annotations

import sys

from benchmarks import growth, peak, public_networks, toe_model

PARTS = {"toe": toe_model.run, "networks": public_networks.run, "growth": growth.run, "peak": peak.run}

for part in sys.argv[1:] or PARTS:
    PARTS[part]()
