"""/metrics, /health and /ready on one port, from a thread: they answer while the event loop computes."""

import http.server
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from prometheus_client import CollectorRegistry, exposition

from pipeline.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Probes:
    """The answers: each check returns why not, or nothing when all is well."""

    registry: CollectorRegistry
    unhealthy: Callable[[], str | None]
    unready: Callable[[], str | None]


class ProbeServer:
    """The listening thread."""

    def __init__(self, host: str, port: int, probes: Probes) -> None:
        try:
            self._server = http.server.ThreadingHTTPServer((host, port), handler_of(probes))
        except OSError as error:
            raise SettingsError(
                f"{host}:{port} cannot be listened on ({error.strerror}); set RINGFENCE_HTTP_PORT"
            ) from error
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="probes", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port in use; the system's choice when 0 was asked for."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stops listening."""
        self._server.shutdown()
        self._server.server_close()


def handler_of(probes: Probes) -> type[http.server.BaseHTTPRequestHandler]:
    """The request handler for these probes."""

    class Handler(http.server.BaseHTTPRequestHandler):
        """GET only; any other path is unknown."""

        def do_GET(self) -> None:  # the base class's name
            match self.path.partition("?")[0]:
                case "/metrics":
                    encode, kind = exposition.choose_encoder(self.headers.get("Accept", ""))
                    self._answer(HTTPStatus.OK, encode(probes.registry), kind)
                case "/health":
                    self._report(probes.unhealthy())
                case "/ready":
                    self._report(probes.unready())
                case _:
                    self._answer(HTTPStatus.NOT_FOUND, b"/metrics, /health or /ready\n", "text/plain")

        def log_message(self, *_: object) -> None:
            """Scrapes are not worth a line."""

        def _report(self, fault: str | None) -> None:
            status = HTTPStatus.OK if fault is None else HTTPStatus.SERVICE_UNAVAILABLE
            self._answer(status, f"{fault or 'ok'}\n".encode(), "text/plain")

        def _answer(self, status: HTTPStatus, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler
