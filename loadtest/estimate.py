"""A measured figure with its interval. Owns nothing of how it was measured; the unit stands in the name it is kept under."""

from __future__ import annotations

from pydantic import model_validator

from vm.artefact import Record


class Estimate(Record):
    """A value and the interval it lies in; repeats is how many measurements stand behind it."""

    value: float
    low: float
    high: float
    repeats: int = 1

    @model_validator(mode="after")
    def _ordered(self) -> Estimate:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"{self.low} <= {self.value} <= {self.high} does not hold")
        return self

    @classmethod
    def exact(cls, value: float) -> Estimate:
        """A counted figure, without an interval."""
        return cls(value=value, low=value, high=value)

    def plus(self, more: float) -> Estimate:
        """The same with its interval, moved by a figure that is exact."""
        return self.model_copy(update={"value": self.value + more, "low": self.low + more, "high": self.high + more})
