"""The socket that all workers share."""

import socket
from contextlib import closing

import uvicorn

from inference.service.supervisor import bind


def test_what_it_accepts_sends_at_once() -> None:
    with closing(bind(uvicorn.Config("nothing", host="127.0.0.1", port=0))) as listening:
        listening.listen()
        with socket.create_connection(listening.getsockname()):
            accepted, _ = listening.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
