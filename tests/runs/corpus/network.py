"""What goes wrong between machines, on the loopback device."""

from __future__ import annotations

import http.client
import http.server
import socket
import socketserver
import ssl
import struct
import subprocess
import threading
import urllib.request
import xmlrpc.client
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .case import case

URL = "urllib.error.URLError"
HTTP = "urllib.error.HTTPError"


@contextmanager
def server(answer: Callable[[socket.socket], object]) -> Iterator[int]:
    """Serve each connection with *answer*; give the port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            answer(self.request)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as listening:
        listening.daemon_threads = True
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield listening.server_address[1]
        listening.shutdown()


def replying(text: str) -> Callable[[socket.socket], object]:
    def answer(connected: socket.socket) -> None:
        connected.recv(10_000)
        connected.sendall(text.replace("\n", "\r\n").encode())

    return answer


def fetch(port: int, **options: object) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/census", **{"timeout": 5, **options}) as response:
        return response.read()


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


def status(line: str) -> None:
    with server(replying(f"HTTP/1.1 {line}\nContent-Length: 0\nConnection: close\n\n")) as port:
        fetch(port)


@case("external/network", "Nobody listens there.", raises="ConnectionRefusedError", says="Connection refused")
def refused(folder: Path) -> None:
    socket.create_connection(("127.0.0.1", unused_port()))


@case("external/network", "Nobody listens there, told by urllib.", raises=URL, says="Connection refused")
def refused_to_urllib(folder: Path) -> None:
    fetch(unused_port())


@case("external/network", "The name of the server is not known.", raises="socket.gaierror", says="")
def unknown_host(folder: Path) -> None:
    socket.create_connection(("census.invalid", 80))


@case("external/network", "The name of the server is not known, told by urllib.", raises=URL, says="")
def unknown_host_to_urllib(folder: Path) -> None:
    urllib.request.urlopen("http://census.invalid/")


@case("external/network", "The server does not answer.", raises="TimeoutError", says="timed out")
def no_answer(folder: Path) -> None:
    with server(lambda connected: connected.recv(10_000) and threading.Event().wait(2)) as port:
        fetch(port, timeout=0.2)


@case("external/network", "The connection was reset.", raises="ConnectionResetError", says="reset by peer")
def reset(folder: Path) -> None:
    def answer(connected: socket.socket) -> None:
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connected.close()

    with server(answer) as port, socket.create_connection(("127.0.0.1", port)) as client:
        client.recv(1)


@case(
    "external/network", "The server hung up without an answer.",
    raises="http.client.RemoteDisconnected", says="without response",
)  # fmt: skip
def hung_up(folder: Path) -> None:
    with server(lambda connected: connected.recv(10_000)) as port:
        fetch(port)


@case("external/network", "The answer broke off.", raises="http.client.IncompleteRead", says="more expected")
def answer_cut_short(folder: Path) -> None:
    with server(replying("HTTP/1.1 200 OK\nContent-Length: 1000\n\nemployee_id")) as port:
        fetch(port)


@case("external/network", "Nobody is there to take the letter.", raises="ConnectionRefusedError", says="refused")
def no_mail_server(folder: Path) -> None:
    import smtplib

    smtplib.SMTP("127.0.0.1", unused_port())


@case("external/service", "The service is not available.", raises=HTTP, says="503")
def status_503(folder: Path) -> None:
    status("503 Service Unavailable")


@case("external/service", "The service failed.", raises=HTTP, says="500")
def status_500(folder: Path) -> None:
    status("500 Internal Server Error")


@case("external/service", "The service has had enough requests.", raises=HTTP, says="429")
def status_429(folder: Path) -> None:
    status("429 Too Many Requests")


@case("external/service", "The gateway got no answer in time.", raises=HTTP, says="504")
def status_504(folder: Path) -> None:
    status("504 Gateway Timeout")


@case("external/service", "The service does not know the page.", raises=HTTP, says="404")
def status_404(folder: Path) -> None:
    status("404 Not Found")


@case("external/service", "The service does not take the credentials.", raises=HTTP, says="401")
def status_401(folder: Path) -> None:
    status("401 Unauthorized")


@case("external/service", "What answers does not speak HTTP.", raises="http.client.BadStatusLine", says="SSH")
def not_http(folder: Path) -> None:
    with server(replying("SSH-2.0-OpenSSH_9.6\n")) as port:
        fetch(port)


@case("external/service", "The remote procedure failed.", raises="xmlrpc.client.Fault", says="census")
def remote_fault(folder: Path) -> None:
    from xmlrpc.server import SimpleXMLRPCServer

    def census() -> None:
        raise LookupError("no census of 2026")

    with SimpleXMLRPCServer(("127.0.0.1", 0), logRequests=False) as listening:
        listening.register_function(census)
        threading.Thread(target=listening.handle_request, daemon=True).start()
        host, port = listening.server_address
        xmlrpc.client.ServerProxy(f"http://{host}:{port}").census()


@case("external/network", "The other side does not speak TLS.", raises=URL, says="SSL")
def not_tls(folder: Path) -> None:
    with server(replying("HTTP/1.1 400 Bad Request\n\n")) as port:
        urllib.request.urlopen(f"https://127.0.0.1:{port}/", timeout=200)


@case(
    "external/network", "The server's certificate is its own and nobody vouches for it.",
    raises="ssl.SSLCertVerificationError", says="self-signed certificate",
)  # fmt: skip
def certificate_not_trusted(folder: Path) -> None:
    make = "openssl req -x509 -nodes -days 2 -subj /CN=localhost -keyout key.pem -out cert.pem"
    key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1"
    subprocess.run([*make.split(), *key.split()], check=True, capture_output=True, cwd=folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")

    def answer(connected: socket.socket) -> None:
        try:
            context.wrap_socket(connected, server_side=True)
        except OSError:
            return

    with server(answer) as port, socket.create_connection(("127.0.0.1", port)) as client:
        ssl.create_default_context().wrap_socket(client, server_hostname="localhost")


@case("external/network", "A read waited too long.", raises="TimeoutError", says="timed out")
def socket_too_slow(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_connection(listening.getsockname()) as ours:
        ours.settimeout(0.1)
        ours.recv(1)


@case(
    "external/network", "The stream of the other side ended in the middle of a message.",
    raises="asyncio.exceptions.IncompleteReadError", says="bytes read",
)  # fmt: skip
def stream_cut_short(folder: Path) -> None:
    import asyncio

    async def read(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"census?")
        await reader.readexactly(1000)

    with server(replying("half")) as port:
        asyncio.run(read(port))


@case("config", "The address has no scheme that anybody knows.", raises=URL, says="unknown url type")
def unknown_scheme(folder: Path) -> None:
    urllib.request.urlopen("htps://127.0.0.1/census")


@case("config", "The port in the address is no number.", raises="http.client.InvalidURL", says="nonnumeric port")
def port_that_is_no_number(folder: Path) -> None:
    http.client.HTTPConnection("127.0.0.1:8o80")
