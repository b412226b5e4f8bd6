"""What a monitor may grow to, and what is refused with a sentence."""

from __future__ import annotations

import pytest

from provision.resize import larger
from vm.errors import BadInput
from vm.hosting import HostingSpec

PRESENT = HostingSpec(vcpus=1, memory_mib=1024, disk_gib=20)


@pytest.mark.parametrize(
    ("words", "size"),
    [
        ((2.0, "", 0), (2, 1024, 20)),
        ((0.0, "2G", 0), (1, 2048, 20)),
        ((0.0, "", 40), (1, 1024, 40)),
        ((1.0, "1024", 21), (1, 1024, 21)),
        ((1.0, "1G", 20), (1, 1024, 20)),
    ],
)
def test_what_is_not_named_stays(words: tuple[float, str, int], size: tuple[float, int, int]) -> None:
    found = larger(PRESENT, *words)
    assert (found.vcpus, found.memory_mib, found.disk_gib) == size


def test_the_size_that_it_has_is_no_other_one_though_an_offer_named_it() -> None:
    """What was cut after the machine grew goes on with the same words."""
    rented = PRESENT.model_copy(update={"offer": "small"})
    assert larger(rented, 1.0, "1G", 20) == rented


@pytest.mark.parametrize(
    ("words", "what", "where"),
    [
        ((0.5, "", 0), "has 1 and does not shrink to 0.5", "--vcpus"),
        ((0.0, "512", 0), "has 1024 and does not shrink to 512", "--memory"),
        ((4.0, "", 10), "has 20 and does not shrink to 10", "--disk"),
        ((0.0, "", 0), "nothing was asked for", "--vcpus, --memory, --disk"),
        ((-1.0, "", 0), "no machine has this size", "vcpus"),
        ((0.0, "much", 0), "much", "--memory"),
    ],
)
def test_a_machine_never_shrinks(words: tuple[float, str, int], what: str, where: str) -> None:
    with pytest.raises(BadInput) as refused:
        larger(PRESENT, *words)
    assert what in refused.value.what
    assert where in f"{refused.value.where} {refused.value.what}"
