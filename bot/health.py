"""Asks the running server of this machine how it is: `python -m bot.health`, for containers."""

from __future__ import annotations

import http.client
import json
import sys

from bot.settings import Settings, SettingsError, load

PATIENCE_S = 5.0
ANY = {"0.0.0.0": "127.0.0.1", "::": "::1", "[::]": "::1", "": "127.0.0.1"}  # noqa: S104 - replaced


def ask(settings: Settings, path: str = "/healthz") -> dict[str, object]:
    """What the server on the address of `settings` answers. Raises `OSError`, `ValueError`."""
    host = ANY.get(settings.web_host, settings.web_host.strip("[]"))
    connection = http.client.HTTPConnection(host, settings.web_port, timeout=PATIENCE_S)
    try:
        connection.request("GET", path)
        answer = json.loads(connection.getresponse().read())
    except http.client.HTTPException as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()
    if not isinstance(answer, dict):
        raise ValueError("not what our server says")
    return answer


def main() -> int:
    """0 when the server says that it is well, 1 otherwise, with one line."""
    try:
        health = ask(load())
    except (OSError, ValueError, SettingsError) as error:
        print(f"atelier: no answer: {error}", file=sys.stderr)
        return 1
    print(json.dumps(health))
    return 0 if health.get("ok") is True else 1


if __name__ == "__main__":
    sys.exit(main())
