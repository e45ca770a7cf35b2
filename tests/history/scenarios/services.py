"""What others do for the simulation: services, programs, workers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .scenario import Expected, scenario
from .world import World

FETCH = "fetch_rates"


@contextmanager
def rates(answer: Callable[[BaseHTTPRequestHandler], None], port: int = 0) -> Iterator[int]:
    """Serve the rates; give the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *arguments: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def fine(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    request.wfile.write(b"{}")


def with_service(world: World) -> None:
    """The service answered in all runs so far."""
    with rates(fine) as port:
        world.settings(rates_url=f"http://127.0.0.1:{port}/mortality")
        world.port = port
        world.good(3)


def failing(category: str, *words: str, changed: tuple[tuple[str, str], ...] = ()) -> Expected:
    return Expected("failed", "failure", (category,), words, FETCH, changed=changed)


@scenario("The service is down.", failing("external/network", "Connection refused"), before=with_service)
def service_down(world: World) -> None:
    world.run()


@scenario("The service answers that it is not available.", failing("external/service", "503"), before=with_service)
def service_not_available(world: World) -> None:
    def busy(request: BaseHTTPRequestHandler) -> None:
        request.send_response(503)
        request.end_headers()

    with rates(busy, world.port):
        world.run()


@scenario(
    "The service takes the connection and says nothing.", failing("external/network", "timed out"), before=with_service
)
def service_silent(world: World) -> None:
    with rates(lambda request: threading.Event().wait(5) and None, world.port):
        world.run()


@scenario(
    "The service's address was changed to a name that nobody knows.",
    failing("external/network", "Name or service not known", changed=(("config", "rates_url"),)),
    before=with_service,
)
def service_address_wrong(world: World) -> None:
    world.settings(rates_url="http://rates.invalid/mortality")
    world.run()


def with_program(world: World) -> None:
    """A program of others builds something, and did so in all runs so far."""
    world.settings(build=str(world.executable("build.sh", "#!/bin/sh\nexit 0\n")))
    world.good(3)


@scenario(
    "The program that builds something fails, and says why.",
    Expected("failed", "failure", ("external",), ("build.sh", "exit status 3"), "build"),
    before=with_program,
)
def program_fails(world: World) -> None:
    world.executable("build.sh", "#!/bin/sh\necho 'licence expired' >&2\nexit 3\n")
    world.run()


@scenario(
    "The program that builds something was killed.",
    Expected("failed", "failure", ("interrupted/killed",), ("build.sh", "SIGKILL"), "build"),
    before=with_program,
)
def program_killed(world: World) -> None:
    world.executable("build.sh", "#!/bin/sh\nkill -9 $$\n")
    world.run()


@scenario(
    "The program that builds something is not installed any more.",
    Expected("failed", "failure", ("environment/dependency", "environment/missing_file"), ("build.sh",), "build"),
    before=with_program,
)
def program_gone(world: World) -> None:
    (world.folder / "build.sh").unlink()
    world.run()


def with_workers(world: World) -> None:
    """Two workers do a part of each year; one of them can be made to die."""
    world.settings(workers=2)
    world.change_rules(
        "    return float(year",
        "    import os\n\n    if year == 2026 and part == 1 and os.path.exists('kill'):\n"
        "        os.kill(os.getpid(), 9)\n    return float(year",
    )
    world.good(3)


BENEFITS = "year_simulation/year_end/benefits"


@scenario(
    "A worker was killed.",
    Expected("failed", "failure", ("worker",), ("BrokenProcessPool",), BENEFITS, 2026),
    before=with_workers,
)
def worker_lost(world: World) -> None:
    (world.folder / "kill").touch()
    world.run()


@scenario(
    "The rules have a mistake that shows in a worker.",
    Expected("failed", "failure", ("code",), ("KeyError", "bands"), BENEFITS, 2026, (("code", "rules"),)),
    before=with_workers,
)
def worker_with_a_mistake(world: World) -> None:
    world.change_rules("    return float(year", "    if year == 2026:\n        {}['bands']\n    return float(year")
    world.run()
