"""Screens of tests that several processes share: one for each, and nobody else looks at it."""

import os
import secrets
import socket
import struct
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from tests.screens import VIRTUAL, VirtualScreen

pytestmark = pytest.mark.skipif(VIRTUAL not in os.environ, reason="no virtual screen; `make test` brings one")
NAME = b"MIT-MAGIC-COOKIE-1"


def lets_in(screen: VirtualScreen, cookie: bytes) -> bool:
    """Whether the server answers a greeting with a cookie by its success."""
    greeting = struct.pack("<BxHHHHxx", ord("l"), 11, 0, len(NAME), len(cookie))
    padded = b"".join(part + bytes(-len(part) % 4) for part in (greeting, NAME, cookie))
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(f"/tmp/.X11-unix/X{screen.environment['DISPLAY'][1:]}")
        client.sendall(padded)
        try:
            return client.recv(1) == b"\1"
        except ConnectionResetError:  # the server may hang up before its refusal is read
            return False


def test_every_worker_has_a_screen_that_asks_for_its_cookie_and_ends_with_the_tests():
    with closing(VirtualScreen("320x200x24")) as one, closing(VirtualScreen("320x200x24")) as other:
        assert one.environment["DISPLAY"] != other.environment["DISPLAY"]
        for screen in (one, other):
            assert lets_in(screen, screen.cookie.read_bytes()[-16:])
            assert not lets_in(screen, secrets.token_bytes(16))
    assert one.server.returncode is not None
    assert other.server.returncode is not None
    assert not one.cookie.exists()


def test_a_screen_ends_with_tests_that_are_killed():
    code = (
        "import time; from tests.screens import VirtualScreen; "
        "print(VirtualScreen('320x200x24').server.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]) as tests:
        assert tests.stdout is not None
        server = psutil.Process(int(tests.stdout.readline()))
        tests.kill()
    psutil.wait_procs([server], timeout=20)
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE


def test_a_screen_that_cannot_be_says_so():
    with pytest.raises(RuntimeError, match="Xvfb ended with"):
        VirtualScreen("no-size")
