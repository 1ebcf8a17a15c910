"""Spreads requests over the processes that answer: they wait in one line, for whichever is free first."""

import asyncio
import logging
import socket
from asyncio import FIRST_COMPLETED

from uvicorn import Server
from uvicorn.supervisors.multiprocess import Process

# Who has been busy for so long takes what waits all the same: it is kept in order there, or sent away.
_POLITE_SECONDS = 0.25
# Until a request that has arrived is being answered.
_BEGINNING_SECONDS = 0.001
# Linux hands out no connection before anything is asked on it, or so much time has gone.
_UNASKED_SECONDS = 5
_RECOVER_SECONDS = 1
_log = logging.getLogger(__name__)


class PoliteServer(Server):
    """uvicorn's, but it leaves connections to other processes while it answers.

    Processes share the socket on which they listen. Any of them would accept a connection, busy or not, and
    what is asked on it would wait there while others idle.
    """

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to accept connections to these sockets."""
        await super().startup(sockets=[])
        self._accepting = [asyncio.create_task(self._accept(listening)) for listening in sockets or ()]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accepts no more, and finishes what it answers."""
        for accepting in self._accepting:
            accepting.cancel()
        await super().shutdown(sockets)

    async def _accept(self, listening: socket.socket) -> None:
        loop, answering = asyncio.get_running_loop(), self.server_state.tasks
        _listen(listening, self.config.backlog)
        idled = loop.time()
        while True:
            while answering and (left := idled + _POLITE_SECONDS - loop.time()) > 0:
                await asyncio.wait(answering, timeout=left, return_when=FIRST_COMPLETED)
            try:
                connection, _ = await loop.sock_accept(listening)
            except OSError as error:  # as when too many files are open
                _log.error("no connection accepted", extra={"fields": {"error": str(error)}})
                await asyncio.sleep(_RECOVER_SECONDS)
                continue
            if not answering:
                idled = loop.time()
            await loop.connect_accepted_socket(self._open, connection)
            await asyncio.sleep(_BEGINNING_SECONDS)

    def _open(self) -> asyncio.Protocol:
        """What uvicorn would have a connection served by."""
        served: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return served


class PoliteProcess(Process):
    """A process with such a server."""

    @property
    def server(self) -> Server:
        """Made where it runs."""
        if self._server is None:
            self._server = PoliteServer(self.config)
        return self._server


def _listen(listening: socket.socket, backlog: int) -> None:
    listening.setblocking(False)
    if hasattr(socket, "TCP_DEFER_ACCEPT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, _UNASKED_SECONDS)
    listening.listen(backlog)
