"""Screens for tests that are shared among processes: windows on one screen would take the keyboard from each other."""

import ctypes
import os
import secrets
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

VIRTUAL = "VIRTUAL_SCREEN"
"""The size of the virtual screen, set by tests/with-screen; not set where windows open on a real one."""

_PR_SET_PDEATHSIG = 1  # of prctl(2)


class VirtualScreen:
    """A screen that no one sees, for those who have its cookie."""

    def __init__(self, size: str) -> None:
        self.folder = TemporaryDirectory(prefix="screen-")
        self.cookie = Path(self.folder.name, "Xauthority")
        # An entry for any display, of which the number is known only later.
        fields = (b"", b"", b"MIT-MAGIC-COOKIE-1", secrets.token_bytes(16))
        self.cookie.write_bytes(b"\xff\xff" + b"".join(len(field).to_bytes(2, "big") + field for field in fields))
        ours, theirs = os.pipe()
        command = f"Xvfb -displayfd {theirs} -screen 0 {size} -nolisten tcp -auth".split()
        quiet = subprocess.DEVNULL
        # Linux ends it where this process is killed. Looked up here: between fork and exec nothing may wait for a lock.
        prctl = ctypes.CDLL(None).prctl
        self.server = subprocess.Popen(
            [*command, str(self.cookie)],
            pass_fds=[theirs],
            stdin=quiet,
            stdout=quiet,
            stderr=quiet,
            preexec_fn=lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGTERM),
        )
        os.close(theirs)
        with os.fdopen(ours) as said:
            number = said.readline().strip()
        if not number:
            self.close()
            raise RuntimeError(f"Xvfb ended with {self.server.returncode} before it had a screen")
        self.environment: Mapping[str, str] = {"DISPLAY": f":{number}", "XAUTHORITY": str(self.cookie)}

    def close(self) -> None:
        """Switch it off."""
        self.server.terminate()
        self.server.wait()
        self.folder.cleanup()


class ScreenForEach:
    """A plugin of the process that shares out the tests: every worker has a virtual screen of its own."""

    def __init__(self, size: str) -> None:
        self.size = size
        self.screens: list[VirtualScreen] = []

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """A worker is about to start."""
        self.screens.append(VirtualScreen(self.size))
        node.workerinput["screen"] = self.screens[-1].environment

    def pytest_unconfigure(self) -> None:
        """All have ended."""
        for screen in self.screens:
            screen.close()


def configure(config: pytest.Config) -> None:
    """Screens for workers, and in a worker: the one it has been given."""
    if hasattr(config, "workerinput"):
        os.environ.update(config.workerinput.get("screen", {}))
    elif size := os.environ.get(VIRTUAL):
        config.pluginmanager.register(ScreenForEach(size), "screen-for-each")
