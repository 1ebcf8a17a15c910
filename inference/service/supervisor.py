"""The process that starts the others, and starts them again when they die."""

import os
import signal
import socket
import tempfile

import uvicorn
from prometheus_client.multiprocess import mark_process_dead
from uvicorn.supervisors import Multiprocess, multiprocess

from inference.service.balance import PoliteProcess
from inference.service.config import METRICS_FOLDER, ServeConfig
from inference.service.logs import build_config

_SHUTDOWN_SECONDS = 30
# Loading a bundle may keep a process from answering its supervisor for a while.
_SILENT_SECONDS = 120
_BACKLOG = 1024


class Supervisor(Multiprocess):
    """uvicorn's, which would answer SIGHUP by replacing every process; here they look for a new bundle."""

    def handle_hup(self) -> None:
        """Passes the signal on."""
        for process in self.processes:
            if process.pid is not None:
                os.kill(process.pid, signal.SIGHUP)

    def init_processes(self) -> None:
        """Starts the processes, which wait for each other where there are several."""
        if self.processes_num > 1:
            # The name by which uvicorn makes processes, these and those that follow dead ones.
            multiprocess.Process = PoliteProcess  # type: ignore[misc]
        super().init_processes()
        self._let_go()

    def keep_subprocess_alive(self) -> None:
        """Starts dead processes again, and forgets how many of what the dead ones had open."""
        before = {process.pid for process in self.processes}
        super().keep_subprocess_alive()
        for pid in before - {process.pid for process in self.processes}:
            mark_process_dead(pid)  # type: ignore[no-untyped-call]
        self._let_go()

    def _let_go(self) -> None:
        """Closes the processes' own ends of the pipes to them.

        As long as this process holds one, too, a process that dies while it is asked whether it lives
        seems silent, and for `_SILENT_SECONDS` nobody is started again.
        """
        for process in self.processes:
            process.child_conn.close()


def serve(config: ServeConfig) -> None:
    """Answers on the configured address until SIGINT or SIGTERM; what is being answered then is finished."""
    threads = str(config.tensorflow_threads)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, threads)
    # Processes touch much memory for a request, and after a pause each page of it costs anew: larger ones do
    # less often. glibc asks Linux for them in its first heap alone, so all threads share that, and Python's
    # own objects lie there, too; others than glibc ignore this.
    os.environ.setdefault("PYTHONMALLOC", "malloc")
    os.environ.setdefault("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1:glibc.malloc.arena_max=1")
    # A worker ends by the signal that it was told to end by, and leaves what the system clears away anyway.
    os.environ.setdefault("PYTHONWARNINGS", "ignore:resource_tracker:UserWarning")
    with tempfile.TemporaryDirectory(prefix="towerbridge-metrics-") as folder:
        os.environ[METRICS_FOLDER] = folder
        settings = uvicorn.Config(
            "inference.service.app:create",
            factory=True,
            host=config.host,
            port=config.port,
            workers=config.workers,
            backlog=_BACKLOG,
            access_log=False,
            server_header=False,
            # A connection stays with the process that has accepted it, and the next request finds it busy.
            headers=[("Connection", "close")] if config.workers > 1 else [],
            log_config=build_config(),
            timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
            timeout_worker_healthcheck=_SILENT_SECONDS,
        )
        listening = bind(settings)
        try:
            Supervisor(settings, [listening]).run()
        finally:
            listening.close()


def bind(settings: uvicorn.Config) -> socket.socket:
    """The socket that all workers listen on.

    What it accepts sends at once. asyncio would see to that, but not for uvicorn's sockets, which name no
    protocol; and a body that waits for the acknowledgement of its headers waits 40 ms.
    """
    listening = settings.bind_socket()
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
