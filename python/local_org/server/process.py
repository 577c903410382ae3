"""One process, one event loop: HTTPS and gRPC with TLS over the same org, till it shall stop."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc
import grpc.aio
import uvicorn

from local_org.api.app import App
from local_org.api.clients import (
    ADMIN_USERNAME,
    CLIENT_ID,
    SIDECAR_USERNAME,
    Clients,
    public_key,
)
from local_org.api.context import Context
from local_org.api.orgs import Orgs
from local_org.api.pubsub import PubSubService
from local_org.clock import Clock
from local_org.org import Org
from local_org.server.certificates import Certificates, certificates
from local_org.server.errors import InUse, LocalOrgError
from local_org.server.ready import Ready

HOST = "127.0.0.1"
NAME = "localhost"
"""How clients are told to reach it; the certificate holds for both."""
_GRACE_SECONDS = 0.5
"""How long calls under way may take when the process stops."""
_GRPC_OPTIONS = (
    ("grpc.so_reuseport", 0),  # two orgs on one port would share its calls
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
)


@dataclass(frozen=True, slots=True)
class Options:
    """How an org is started. Port 0 is a free one; without ``data`` the org lives in memory."""

    https_port: int = 8443
    grpc_port: int = 7443
    data: Path | None = None
    ready_file: Path | None = None
    clock: datetime | None = None
    """Org time at the start; default: now."""
    clock_speed: float = 1.0
    """Org seconds per real second; 0 stands still."""


def run(options: Options, announce: Callable[[Ready], None] = lambda _: None) -> None:
    """Serve until SIGTERM or SIGINT; ``announce`` is called once clients can connect.

    :raises LocalOrgError: a port is taken, or a file cannot be written.
    """
    with ExitStack() as stack:
        https = stack.enter_context(_listening(options.https_port))
        if options.data is None:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="local-org-")))
        else:
            folder = stack.enter_context(_claimed(options.data))
        with ThreadPoolExecutor(1) as threads:  # keys are made while the org opens
            making = threads.submit(certificates, folder / "tls")
            org = Org.open(options.data, Clock(options.clock, options.clock_speed))
            stack.callback(org.close)
            files = making.result()
        asyncio.run(_serve(options, org, files, https, announce))


class _Https(uvicorn.Server):
    """Tells when it has started, and leaves signals to the process."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve(
    options: Options,
    org: Org,
    files: Certificates,
    listener: socket.socket,
    announce: Callable[[Ready], None],
) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    context = _context(org, files, f"https://{NAME}:{listener.getsockname()[1]}", stopping.set)
    orgs = Orgs(context, options.data)
    streams = grpc.aio.server(options=_GRPC_OPTIONS)
    service = PubSubService(orgs.with_id, faults=context.faults)
    service.add_to(streams)
    grpc_port = _open_port(streams, options.grpc_port, files)
    await streams.start()
    https = _Https(_https_config(orgs, files))
    serving = asyncio.create_task(https.serve([listener]))
    await https.up.wait()
    ready = _ready(context, files, f"{NAME}:{grpc_port}")
    try:
        if options.ready_file is not None:
            ready.write(options.ready_file)
        announce(ready)
        await stopping.wait()
    finally:
        if options.ready_file is not None:
            ready.withdraw(options.ready_file)
        await streams.stop(_GRACE_SECONDS)
        https.should_exit = True
        await _ended(https, serving)
        orgs.close()


async def _ended(https: _Https, serving: asyncio.Task[None]) -> None:
    """Wait for the server to end, but not for clients that keep their connections open."""
    await asyncio.wait([serving], timeout=_GRACE_SECONDS)
    https.force_exit = True
    await asyncio.wait([serving], timeout=_GRACE_SECONDS)
    serving.cancel()  # from Python 3.12 on a server waits for every TLS connection's last word
    with suppress(asyncio.CancelledError):
        await serving


def _context(org: Org, files: Certificates, url: str, stop: Callable[[], None]) -> Context:
    """Return the context of the org, with a fresh token of its administrator."""
    key = public_key(files.jwt_key_file.read_bytes())
    admin = org.user(ADMIN_USERNAME)
    if admin is None:
        raise LocalOrgError(f"the org in this folder has no user {ADMIN_USERNAME}: reset it")
    token = org.login(admin["Id"], "local-org")
    return Context(org, Clients(org, url, [key]), url, token, stop=stop)


def _ready(context: Context, files: Certificates, grpc_endpoint: str) -> Ready:
    admin = context.org.user(ADMIN_USERNAME) or {}
    return Ready(
        instance_url=context.base_url,
        grpc_endpoint=grpc_endpoint,
        ca_file=str(files.ca_file),
        ca_bundle=str(files.ca_bundle),
        org_id=context.org.org_id,
        admin_username=ADMIN_USERNAME,
        admin_user_id=str(admin["Id"]),
        sidecar_username=SIDECAR_USERNAME,
        access_token=context.admin_token,
        jwt_key_file=str(files.jwt_key_file),
        client_id=CLIENT_ID,
    )


def _https_config(orgs: Orgs, files: Certificates) -> uvicorn.Config:
    return uvicorn.Config(
        App(orgs),
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=60,
        ssl_certfile=files.certificate_file,
        ssl_keyfile=files.key_file,
    )


def _open_port(streams: grpc.aio.Server, port: int, files: Certificates) -> int:
    """Open the gRPC port with TLS and return its number.

    :raises InUse: it is taken.
    """
    pair = (files.key_file.read_bytes(), files.certificate_file.read_bytes())
    try:
        return streams.add_secure_port(f"{HOST}:{port}", grpc.ssl_server_credentials([pair]))
    except RuntimeError:
        raise InUse(_taken(port, "--grpc-port")) from None


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    """Hold the HTTPS port.

    :raises InUse: it is taken; ``LocalOrgError``: this user may not have it.
    """
    try:
        listener = socket.create_server((HOST, port), backlog=2048)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise InUse(_taken(port, "--https-port")) from None
        raise LocalOrgError(f"cannot listen on port {port} ({error.strerror})") from None
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # inherited by connections
    with listener:
        yield listener


def _taken(port: int, option: str) -> str:
    return f"port {port} is in use: stop what holds it, or pass another {option} (0: any free)"


@contextmanager
def _claimed(folder: Path) -> Iterator[Path]:
    """Hold the folder of an org for this process alone.

    :raises InUse: another process holds it; ``LocalOrgError``: it cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise LocalOrgError(
            f"cannot write to {folder} ({error.strerror}): pass another --data"
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InUse(f"another local org runs on {folder}: stop it first") from None
        yield folder


def reset(folder: Path) -> None:
    """Forget the org of a folder that no process holds; certificates and keys stay.

    :raises LocalOrgError: it runs, or there is no such folder.
    """
    if not (folder / "tls").is_dir():
        raise LocalOrgError(f"{folder} is no folder of a local org")
    with _claimed(folder):
        for path in folder.glob("org.sqlite3*"):
            path.unlink()
