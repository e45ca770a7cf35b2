"""The process's memory and CPU time, and the peak of an operation."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

import navigator_obs as obs
from navigator_obs.operations import resources

MB = 1_000_000


def test_resident_memory_grows_with_what_is_touched():
    """A large block that is held shows in the resident memory, and in the high-water mark."""
    before = resources.rss_bytes()
    held = bytearray(os.urandom(1) * (80 * MB))
    assert resources.rss_bytes() - before > 60 * MB
    assert resources.read()[2] >= before + 60 * MB
    assert held


def test_reading_goes_on_when_the_program_closed_our_descriptor():
    """Daemons close descriptors that they did not open."""
    assert resources.rss_bytes() > MB
    os.close(resources._statm._descriptor)
    assert resources.rss_bytes() > MB
    assert resources.rss_bytes() > MB


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_reads_its_own_memory():
    """The kept descriptor is the parent's, and is let go of."""
    resources.rss_bytes()
    child = os.fork()
    if not child:
        held = bytearray(os.urandom(1) * (80 * MB))
        before = resources.rss_bytes()
        del held
        os._exit(0 if before - resources.rss_bytes() > 60 * MB else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_peak_that_was_freed_inside_is_found_and_not_its_siblings(open_run):
    """The kernel's high-water mark has it, though memory was the same before and after; a sibling is not polluted."""
    _, now, most = resources.read()
    with obs.operation("peaky"):
        held = bytearray(os.urandom(1) * (most - now + 150 * MB))
        del held
    with obs.operation("sibling"):
        pass
    peaky, sibling = open_run.logged
    assert peaky.peak_memory_mb - sibling.peak_memory_mb > 100
    assert abs(peaky.memory_delta_mb) < 50


def test_cpu_time_is_that_of_the_block(open_run):
    """Work shows, waiting does not."""
    with obs.operation("work"):
        until = time.thread_time() + 0.05
        while time.thread_time() < until:
            pass
    with obs.operation("wait"):
        time.sleep(0.05)
    work, wait = open_run.logged
    assert work.cpu_seconds >= 0.045
    assert wait.cpu_seconds < work.cpu_seconds


def test_a_subprocess_does_not_inherit_its_parents_mark():
    """What getrusage tells of a process begins with the mark of the one that started it."""
    held = b"x" * (150 * MB)
    program = "from navigator_obs.operations import resources; print(resources.read()[2])"
    said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert int(said) < len(held)
