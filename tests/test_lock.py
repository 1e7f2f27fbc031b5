"""One process at a time works in a folder; who has died does not hold it."""

import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from pinn.lock import NAME, Locked, locked_folder

HOLDS = """
import sys, time
from pathlib import Path
from pinn.lock import locked_folder
with locked_folder(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(3600)
"""


def test_a_live_holder_is_named_and_a_dead_one_told(tmp_path):
    other = subprocess.Popen([sys.executable, "-c", HOLDS, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert other.stdout.readline() == "held\n"
    who = f"in use by process {other.pid} on {socket.gethostname()}"
    with pytest.raises(Locked, match=who), locked_folder(tmp_path):
        pass
    other.send_signal(signal.SIGKILL)
    other.wait()
    other.stdout.close()
    with locked_folder(tmp_path) as died:
        assert died.process == other.pid
        assert json.loads((tmp_path / NAME).read_text())["process"] == os.getpid()
    assert not (tmp_path / NAME).exists()
    with locked_folder(tmp_path) as died:
        assert died is None


def test_a_holder_on_another_machine_is_believed(tmp_path):
    (tmp_path / NAME).write_text(json.dumps({"host": "elsewhere", "process": 1, "since": "2026-11-26 10:00:00"}))
    who = r"process 1 on elsewhere, .*; if it has ended, delete .*\.running"
    with pytest.raises(Locked, match=who), locked_folder(tmp_path):
        pass


def test_a_damaged_lock_holds_nobody_off(tmp_path):
    (tmp_path / NAME).write_text("{half")
    with locked_folder(tmp_path) as died:
        assert died is None
    (tmp_path / "gone").mkdir()
    with locked_folder(tmp_path / "gone"):
        (tmp_path / "gone" / NAME).unlink()
        (tmp_path / "gone").rmdir()
