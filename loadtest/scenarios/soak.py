"""The steady load for long: does anything grow?"""

from __future__ import annotations

from dataclasses import replace

from loadtest.scenarios import Scenario
from loadtest.scenarios.steady import SCENARIO as STEADY

SCENARIO: Scenario = replace(STEADY, name="soak", what="the steady load for an hour", seconds={"short": 600, "full": 3600})
