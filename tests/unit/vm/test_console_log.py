"""The last words of a machine's console, as an error tells them."""

from vm.drivers import console_log

BOOT = "\x1b[2J\x1b[01;01HLoading Linux 6.12 ...\r\r\n[    1.5] virtio_blk: ready\r\n\x1b[0;32m  OK  \x1b[0m Reached target\x07\r\n\r\nmonitor login: "


def test_what_only_a_terminal_understands_is_left_out() -> None:
    assert console_log.in_words(BOOT, 2) == "OK   Reached target / monitor login:"


def test_a_console_that_said_nothing_gives_nothing() -> None:
    assert console_log.in_words("\x1b[0m\r\n \r\n", 5) == ""


def test_a_titles_text_is_not_what_the_machine_said() -> None:
    assert console_log.in_words("\x1b]0;root@monitor\x07# id", 1) == "# id"
