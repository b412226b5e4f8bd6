"""Icinga 2's cluster messages (JSON-RPC notifications in netstrings) as an agent sends and reads them.

Owns the shape of messages. Connections live in agent_session.py, sockets elsewhere. Encoding a check result
is the hot path of load tests: what never changes for a check is encoded once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from provision.protocol.netstring import encode

# 2.14.6, what Debian 13 ships; the master warns about agents more than one minor version away
VERSION = 21406
CAPABILITIES = 3  # ExecuteArbitraryCommand and IfwApiCheckCommand, as an agent of that version says

_quote = json.encoder.encode_basestring_ascii


class State(IntEnum):
    """Service states in Icinga's numbering, which are the plugins' exit codes too."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


class MessageError(ValueError):
    """A frame holds no JSON object."""


@dataclass(frozen=True)
class Message:
    """A message from the peer."""

    method: str
    params: Mapping[str, Any]
    ts: float | None = None
    id: str | int | None = None


def notification(method: str, params: Mapping[str, Any], ts: float | None = None) -> bytes:
    """Encode any message, framed; tests use it for messages that an honest agent never sends."""
    body: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params}
    if ts is not None:
        body["ts"] = ts
    return encode(json.dumps(body, separators=(",", ":")).encode())


def reply(id: str | int, result: Any = None) -> bytes:
    """Encode the answer to a message that carries an id, framed."""
    return encode(json.dumps({"jsonrpc": "2.0", "id": id, "result": result}, separators=(",", ":")).encode())


def hello(version: int = VERSION, capabilities: int = CAPABILITIES) -> bytes:
    """The first message of either side."""
    return notification("icinga::Hello", {"version": version, "capabilities": capabilities})


HEARTBEAT = notification("event::Heartbeat", {})


def log_position(position: float) -> bytes:
    """Tell the peer up to which of its timestamps we have its messages."""
    return notification("log::SetLogPosition", {"log_position": position})


def decode(payload: bytes) -> Message:
    """Read one message. Raises MessageError; a reply (no method) has the empty method."""
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise MessageError(f"a message is no JSON: {error}") from error
    if not isinstance(body, dict):
        raise MessageError(f"a message is a JSON {type(body).__name__}, not an object")
    params, ts = body.get("params"), body.get("ts")
    return Message(
        method=str(body.get("method") or ""),
        params=params if isinstance(params, dict) else {},
        ts=float(ts) if isinstance(ts, (int, float)) else None,
        id=body.get("id"),
    )


class CheckResultEncoder:
    """Encodes the results of one check of one host.

    service None means the host itself. command is what the web shows as the executed command line.
    """

    def __init__(self, host: str, service: str | None, source: str, command: Sequence[str] | None = None) -> None:
        place = f'"host":{_quote(host)}' + (f',"service":{_quote(service)}' if service is not None else "")
        told = json.dumps(list(command) if command else None)
        self._head = (
            '{"jsonrpc":"2.0","method":"event::CheckResult","params":{'
            + place
            + ',"cr":{"type":"CheckResult","active":true,'
            f'"check_source":{_quote(source)},"scheduling_source":{_quote(source)},"command":{told},'
            '"previous_hard_state":99,"ttl":0,"vars_before":null,"vars_after":null,"exit_status":'
        )

    def encode(
        self,
        state: State,
        output: str,
        perfdata: Sequence[str] = (),
        *,
        scheduled: float,
        started: float,
        ended: float,
        now: float | None = None,
    ) -> bytes:
        """One framed result. Perfdata are plugin words, `label=1s;2;3`.

        Times are seconds since the epoch: scheduled (when it was due), started and ended (the plugin's
        run), now (when it is sent; the master drops messages older than what it has).
        """
        code = int(state)
        figures = ",".join([_quote(word) for word in perfdata])
        text = (
            f'{self._head}{code},"state":{code},"output":{_quote(output)},"performance_data":[{figures}],'
            f'"schedule_start":{scheduled:.6f},"schedule_end":{ended:.6f},"execution_start":{started:.6f},'
            f'"execution_end":{ended:.6f}}}}},"ts":{ended if now is None else now:.6f}}}'
        )
        return encode(text.encode())
