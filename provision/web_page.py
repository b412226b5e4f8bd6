"""What a page offers to somebody without JavaScript: links, and forms with what they send by themselves. Pure."""

from __future__ import annotations

import html.parser
from dataclasses import dataclass, field


@dataclass
class Form:
    """Where a form goes, and the fields that it sends if nobody touches it; its buttons too, each as if it were pressed."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class Content(html.parser.HTMLParser):
    """Links and forms of a page in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[Form] = []
        self._form: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        elif tag == "form":
            self._form = Form(given.get("action", ""))
            self.forms.append(self._form)
        elif self._form is not None and given.get("name") and tag in ("input", "textarea", "button") and is_sent(given):
            self._form.fields[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None


def is_sent(given: dict[str, str]) -> bool:
    """Whether a field with these attributes is sent: a box only if it is ticked."""
    return given.get("type") not in ("checkbox", "radio") or "checked" in given


def read(text: str) -> Content:
    """The links and forms of a page."""
    content = Content()
    content.feed(text)
    return content
