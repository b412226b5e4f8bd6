"""The page: one file, no script, nothing from elsewhere; HTML that is well-formed XML too. Every name is escaped."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from overview.states import State

STYLE = """
body { font: 16px/1.4 sans-serif; margin: 2em auto; max-width: 60em; padding: 0 1em; color: #222; background: #fff }
table { border-collapse: collapse; width: 100%; margin: 0 0 2em }
caption { text-align: left; font-weight: bold; padding: .5em 0 }
th, td { text-align: left; padding: .2em .6em; border-bottom: 1px solid #ddd; vertical-align: top }
.up, .ok { color: #060 } .warning { color: #850 } .critical, .down { color: #a00 } .unknown { color: #609 } .pending { color: #666 }
summary { cursor: pointer; padding: .2em 0 }
"""
WORST = ("critical", "down", "unknown", "warning", "pending")


def text(name: str) -> str:
    """A name as the page may hold it."""
    return html.escape("".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in name))


def when(at: float) -> str:
    """A time as people read it, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC") if at else "-"


def state_cell(one: State) -> str:
    return f'<td class="{one.state}">{one.state}{", somebody knows" if one.handled else ""}</td>'


def table(caption: str, head: Sequence[str], rows: Iterable[str]) -> str:
    titles = "".join(f'<th scope="col">{title}</th>' for title in head)
    return f"<table><caption>{caption}</caption><thead><tr>{titles}</tr></thead><tbody>{''.join(rows)}</tbody></table>\n"


def counts(states: Iterable[State]) -> str:
    found = Counter(one.state for one in states)
    return ", ".join(f'<span class="{state}">{number} {state}</span>' for state, number in found.most_common()) or "none"


def page(site: str, hosts: Sequence[State], services: Sequence[State], at: float, every_s: float) -> str:
    """at: seconds since 1970, when the states were read; every_s: until there is a new page."""
    read_at = datetime.fromtimestamp(at, UTC)
    bad = sorted((one for one in (*hosts, *services) if not one.good), key=lambda one: (WORST.index(one.state), one.host, one.service))
    problems = [
        f"<tr>{state_cell(one)}<td>{text(one.host)}</td><td>{text(one.service) or '(the host itself)'}</td><td>{when(one.since)}</td></tr>" for one in bad
    ]
    of_host: dict[str, list[State]] = {one.host: [] for one in hosts}
    for one in services:
        of_host.setdefault(one.host, []).append(one)
    rows = [
        f"<tr><td>{text(one.host)}</td>{state_cell(one)}<td>{counts(of_host[one.host])}</td></tr>" for one in hosts
    ]
    every = [
        f"<details><summary>{text(host)}</summary>"
        + table("", ("State", "Service", "Since"), (f"<tr>{state_cell(one)}<td>{text(one.service)}</td><td>{when(one.since)}</td></tr>" for one in found))
        + "</details>\n"
        for host, found in of_host.items()
    ]
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"/><meta name="viewport" content="width=device-width"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/>
<meta http-equiv="refresh" content="{every_s:.0f}"/>
<title>{len(bad)} problems - {text(site)}</title><style>{STYLE}</style></head><body>
<h1>What {text(site)} sees</h1>
<p>Read at <time datetime="{read_at.isoformat(timespec="seconds")}">{read_at.strftime("%Y-%m-%d %H:%M:%S UTC")}</time>;
a new page comes every {every_s:.0f} seconds. One that is older than twice that says nothing: then the monitor itself is silent.</p>
<p>{len(hosts)} hosts: {counts(hosts)}. {len(services)} services: {counts(services)}.</p>
{table("Problems", ("State", "Host", "Service", "Since"), problems) if bad else "<p><strong>No problems.</strong></p>"}
{table("Hosts", ("Host", "State", "Services"), rows)}
<h2>All services</h2>
{"".join(every)}</body></html>
"""
