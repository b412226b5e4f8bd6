"""No unit test is left out because of where it lies."""

from __future__ import annotations

from pathlib import Path

from provision import quality

ROOT = Path(__file__).resolve().parents[3]


def test_the_parts_have_every_unit_test_once() -> None:
    named = [place for part in quality.UNIT for place in part]
    found = [f"tests/unit/{path.name}" for path in (ROOT / "tests/unit").iterdir() if path.name.startswith("test_") or any(path.rglob("test_*.py"))]
    assert sorted(named) == sorted(found) and len(set(named)) == len(named)
