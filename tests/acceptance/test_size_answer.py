"""What a machine for 50 hosts has to be and costs (HOST-7, HOST-9): by the committed runs, which are judged anew here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loadtest.sizing.answer import Answer, answer
from loadtest.sizing.command import recall
from vm.lab import of_name

RUNS = Path(__file__).resolve().parents[2] / "docs/reports/50-hosts/runs"


@pytest.fixture(scope="module")
def found() -> Answer:
    """The answer of the committed runs, at today's prices."""
    return answer(recall(of_name("none"), "", str(RUNS)))


@pytest.mark.requirement("HOST-9")
def test_host9_the_size_is_known_by_a_run_that_passed_and_by_two_smaller_machines_that_broke(found: Answer, record_property: Any) -> None:
    assert found.verdict == "passed", found.why
    assert {one.axis for one in found.failing_runs if one.proven} == {"cpu", "memory"}
    broke = "; ".join(f"{one.vcpus:g} vCPU, {one.memory_mib} MiB broke `{one.objective}`" for one in found.failing_runs)
    record_property("evidence", f"50 hosts x 20 services: {found.vcpus:g} vCPU, {found.memory_mib} MiB pass; {broke}; to order: {found.order_vcpus:g} vCPU, {found.order_memory_mib} MiB, {found.disk_gib} GiB")


@pytest.mark.requirement("HOST-7")
def test_host7_an_offer_that_carries_it_costs_no_more_than_20_eur(found: Answer, record_property: Any) -> None:
    assert found.eur_per_month is not None, found.eur_reason
    assert 0 < found.eur_per_month <= 20
    record_property("evidence", f"{found.offer}: {found.eur_per_month:.2f} EUR a month, gross, for {found.order_vcpus:g} vCPU, {found.order_memory_mib} MiB, {found.disk_gib} GiB")
