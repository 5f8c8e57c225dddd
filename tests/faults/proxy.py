"""A TCP proxy between worker and broker: delays, falls silent, resets, also right behind the end of a transaction."""

import contextlib
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

END_TXN = 26
"""Kafka's number for the request that ends a transaction."""
CHUNK_BYTES = 64 * 1024
HEAD = struct.Struct(">ih")
"""Size and kind, with which every request begins."""
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: what is not sent yet is thrown away, and the other side gets RST."""


@dataclass
class Proxy:
    """Listens on a loopback port and passes on to another; what it does to the traffic can be changed meanwhile."""

    port: int
    target: int
    delay_seconds: float = 0.0
    is_silent: bool = False
    """Takes what is sent and passes nothing on, as a cut cable does."""
    resets_behind_end: int = 0
    """Of the next transactions so many are ended, and the answer is lost."""
    resets: int = 0
    _pairs: set[tuple[socket.socket, socket.socket]] = field(default_factory=set)
    _muted: set[tuple[socket.socket, socket.socket]] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _listener: socket.socket | None = None

    def start(self) -> None:
        """Listens, in threads that end with the process."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        """Ends every connection."""
        if self._listener is not None:
            self._listener.close()
        self.reset()

    def reset(self) -> None:
        """Resets every connection there is."""
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            self._reset(pair)

    def _accept(self) -> None:
        assert self._listener is not None
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                try:
                    broker = socket.create_connection(("127.0.0.1", self.target), timeout=5)
                except OSError:
                    client.close()
                    continue
                broker.settimeout(None)
                pair = client, broker
                with self._lock:
                    self._pairs.add(pair)
                threading.Thread(target=self._requests, args=(pair,), daemon=True).start()
                threading.Thread(target=self._answers, args=(pair,), daemon=True).start()

    def _requests(self, pair: tuple[socket.socket, socket.socket]) -> None:
        """Passes requests on one by one, for only whole ones tell what they are."""
        client, broker = pair
        waiting = bytearray()
        with contextlib.suppress(OSError):
            while chunk := client.recv(CHUNK_BYTES):
                waiting += chunk
                while len(waiting) >= HEAD.size:
                    size, kind = HEAD.unpack_from(waiting)
                    if len(waiting) < size + 4:
                        break
                    request = bytes(waiting[: size + 4])
                    del waiting[: size + 4]
                    is_last = kind == END_TXN and self.resets_behind_end > 0
                    if is_last:
                        self.resets_behind_end -= 1
                        self._muted.add(pair)  # before it goes: the answer must not be faster than the reset
                    self._pass(request, broker)
                    if is_last:
                        self._reset(pair)
                        return
        self._reset(pair)

    def _answers(self, pair: tuple[socket.socket, socket.socket]) -> None:
        client, broker = pair
        with contextlib.suppress(OSError):
            while chunk := broker.recv(CHUNK_BYTES):
                if pair not in self._muted:
                    self._pass(chunk, client)
        self._reset(pair)

    def _pass(self, content: bytes, there: socket.socket) -> None:
        if self.delay_seconds:
            time.sleep(self.delay_seconds)
        if not self.is_silent:
            there.sendall(content)

    def _reset(self, pair: tuple[socket.socket, socket.socket]) -> None:
        with self._lock:
            if pair not in self._pairs:
                return
            self._pairs.remove(pair)
            self.resets += 1
        for each in pair:
            with contextlib.suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                each.shutdown(socket.SHUT_RDWR)
            each.close()
