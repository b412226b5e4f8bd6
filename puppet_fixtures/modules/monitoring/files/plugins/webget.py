"""Fetches pages for the site's plugins: from a given address under a given name, with a limit to the size, without any proxy of the environment."""

import http.client
import ssl

from plugin import CRITICAL, Problem

MAX_BODY = 4 * 1024 * 1024


def fetch(
    address: str, port: int, vhost: str, path: str, *, tls: bool = False, method: str = "GET", timeout: float = 20, limit: int = MAX_BODY
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (names in lower case) and body; redirects are not followed: where they lead is not what was asked for."""
    connection: http.client.HTTPConnection
    if tls:
        # Whose certificate it is, is another check's question: the lab's are self-signed.
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(address, port, timeout=timeout, context=context)
    else:
        connection = http.client.HTTPConnection(address, port, timeout=timeout)
    try:
        connection.request(method, path, headers={"Host": vhost, "User-Agent": "watchpost-plugin"})
        answer = connection.getresponse()
        body = answer.read(limit + 1)
        if len(body) > limit:
            raise Problem(CRITICAL, f"{path}: more than {limit} bytes")
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body
    except (OSError, http.client.HTTPException) as error:
        raise Problem(CRITICAL, f"{vhost}:{port}{path}: {type(error).__name__}: {error}") from error
    finally:
        connection.close()
