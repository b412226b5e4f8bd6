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
        (("2", "", ""), (2, 1024, 20)),
        (("", "2G", ""), (1, 2048, 20)),
        (("", "", "40"), (1, 1024, 40)),
        (("1", "1024", "21"), (1, 1024, 21)),
        (("1", "1G", "20"), (1, 1024, 20)),
    ],
)
def test_what_is_not_named_stays(words: tuple[str, str, str], size: tuple[float, int, int]) -> None:
    found = larger(PRESENT, *words)
    assert (found.vcpus, found.memory_mib, found.disk_gib) == size


def test_the_size_that_it_has_is_no_other_one_though_an_offer_named_it() -> None:
    """What was cut after the machine grew goes on with the same words."""
    rented = PRESENT.model_copy(update={"offer": "small"})
    assert larger(rented, "1", "1G", "20") == rented


@pytest.mark.parametrize(
    ("words", "what", "where"),
    [
        (("0.5", "", ""), "has 1 and does not shrink to 0.5", "--vcpus"),
        (("", "512", ""), "has 1024 and does not shrink to 512", "--memory"),
        (("4", "", "10"), "has 20 and does not shrink to 10", "--disk"),
        (("", "", ""), "nothing was asked for", "--vcpus, --memory, --disk"),
        (("-1", "", ""), "no machine has this size", "vcpus"),
        (("0", "2G", ""), "no machine has this size", "vcpus"),
        (("", "2G", "0"), "no machine has this size", "disk_gib"),
        (("two", "", ""), "'two' is no number", "--vcpus"),
        (("", "", "20.5"), "'20.5' is no whole number", "--disk"),
        (("", "much", ""), "much", "--memory"),
    ],
)
def test_a_machine_never_shrinks(words: tuple[str, str, str], what: str, where: str) -> None:
    with pytest.raises(BadInput) as refused:
        larger(PRESENT, *words)
    assert what in refused.value.what
    assert where in f"{refused.value.where} {refused.value.what}"
