"""Links and forms as somebody without JavaScript sends them."""

from __future__ import annotations

from provision.web_page import Form, read

PAGE = """
<a href="/a?x=1&amp;y=2">one</a><a name="no address">two</a>
<form action="/send?to=1" method="POST">
  <input type="hidden" name="CSRFToken" value="t&quot;k">
  <input type="hidden" name="sticky" value="n"><input type="checkbox" name="sticky" value="y">
  <input type="hidden" name="notify" value="n"><input type="checkbox" name="notify" value="y" checked>
  <textarea name="comment" required></textarea>
  <input type="submit" name="btn_submit" value="Send"><input value="nameless">
</form>
<input name="outside" value="1">
<form><button type="submit" name="go" value="1">Go</button></form>
"""


def test_a_form_sends_what_it_has_by_itself() -> None:
    content = read(PAGE)
    assert content.links == ["/a?x=1&y=2"]
    assert content.forms == [
        Form("/send?to=1", {"CSRFToken": 't"k', "sticky": "n", "notify": "y", "comment": "", "btn_submit": "Send"}),
        Form("", {"go": "1"}),
    ]


def test_hostile_markup_is_only_text() -> None:
    assert read("<form action='<form>'><input name=a value='</form>'>").forms == [Form("<form>", {"a": "</form>"})]
    assert read("<<<a href=>").links == []
