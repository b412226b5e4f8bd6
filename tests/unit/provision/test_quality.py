"""No unit test is left out because of where it lies."""

from __future__ import annotations

from pathlib import Path

from provision import quality

ROOT = Path(__file__).resolve().parents[3]


def test_the_parts_have_every_unit_test_once() -> None:
    named = [path for part in quality.UNIT for place in part for path in files(ROOT / place)]
    assert sorted(named) == sorted(files(ROOT / "tests/unit")) and len(set(named)) == len(named)


def files(place: Path) -> list[Path]:
    """The test files at a place."""
    return [place] if place.is_file() else list(place.rglob("test_*.py"))
