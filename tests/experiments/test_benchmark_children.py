"""What a benchmark starts ends with it; what was left over is not timed beside; a line of results is checked."""

import os
import signal
import subprocess
import sys
import time

import pytest

from experiments.benchmarks import children
from experiments.benchmarks.children import Children, end_with_parent, require_no_survivors, survivors
from experiments.benchmarks.results import read
from experiments.command_line.errors import ConfigurationError

CHILD = "import os, sys, time\nfrom experiments.benchmarks.children import end_with_parent\nend_with_parent()\n"
WAITS = CHILD + "open(sys.argv[1], 'w').write(str(os.getpid()))\ntime.sleep(3600)\n"
STARTS = """
import os, sys
from experiments.benchmarks.children import Children, ended_together
started = Children()
with ended_together(started):
    started.run([sys.executable, "-c", sys.argv[1], sys.argv[2]], env=os.environ, cwd=os.getcwd(), timeout=3600)
"""


def alive(process):
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def until(condition, seconds=600.0):
    """Whether it comes to be; so many seconds that loading torch twice on a busy machine does not take as long."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the system kills children of the dead on Linux alone")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_a_benchmark_that_is_ended_takes_its_processes_along(tmp_path, number, code):
    told = tmp_path / "process"
    with subprocess.Popen([sys.executable, "-c", STARTS, WAITS, str(told)], stderr=subprocess.DEVNULL) as benchmark:
        try:
            assert until(lambda: benchmark.poll() is not None or (told.exists() and told.read_text() != ""))
            child = int(told.read_text())
            assert alive(child)
            benchmark.send_signal(number)
            assert benchmark.wait() == code
        finally:
            benchmark.kill()
    assert until(lambda: not alive(child)), "it trains on, unread"


def test_a_child_takes_its_own_along():
    script = "from subprocess import *; print(Popen(['sleep', '3600'], stdout=DEVNULL, stderr=DEVNULL).pid)"
    done = Children().run([sys.executable, "-c", script], env=os.environ, cwd=".", timeout=600)
    assert done.returncode == 0 and until(lambda: not alive(int(done.stdout)))


def test_a_child_that_does_not_end_is_ended():
    with pytest.raises(subprocess.TimeoutExpired):
        Children().run([sys.executable, "-c", "import time; time.sleep(3600)"], env=os.environ, cwd=".", timeout=0.5)


def test_nothing_is_timed_beside_what_was_left_over(monkeypatch):
    monkeypatch.setattr(children, "MARK", f"PINN_TEST_OF_{os.getpid()}")
    require_no_survivors()
    own = {**os.environ, children.MARK: str(os.getpid())}
    orphan = {**os.environ, children.MARK: "1"}
    script = [sys.executable, "-c", "print(flush=True); import time; time.sleep(3600)"]
    with (
        subprocess.Popen(script, env=own, stdout=subprocess.PIPE) as mine,
        subprocess.Popen(script, env=orphan, stdout=subprocess.PIPE) as left,
    ):
        try:
            assert mine.stdout.readline() and left.stdout.readline()
            assert survivors() == [left.pid]
            with pytest.raises(ConfigurationError, match=f"processes {left.pid} of an earlier benchmark still run"):
                require_no_survivors()
        finally:
            mine.kill()
            left.kill()


def test_a_child_whose_benchmark_has_ended_does_not_begin(monkeypatch):
    monkeypatch.setenv(children.MARK, "1" if os.getppid() != 1 else "2")
    monkeypatch.setattr(children.sys, "platform", "other")  # this process is not to die with its parent
    with pytest.raises(SystemExit, match="the benchmark that started this process has ended"):
        end_with_parent()


GOOD = '"problem": "p", "method": "m", "seed": 0, "seconds": 1, "threads": 1, "settings": {}'


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ('{"problem": "p"', "is not JSON"),
        ("[]", r"is not a run \(no JSON object\)"),
        ('{"problem": "p"}', r"is not a run \(no method\)"),
        (f'{{{GOOD}, "status": "perhaps"}}', r"is not a run \(status is 'perhaps'\)"),
        (f'{{{GOOD}, "status": "failed"}}', r"is not a run \(no reason\)"),
        (f'{{{GOOD}, "status": "done"}}'.replace('"seed": 0', '"seed": "0"'), r"is not a run \(seed is '0'\)"),
    ],
)
def test_each_line_of_results_is_checked(tmp_path, line, wrong):
    (tmp_path / "results.jsonl").write_text(f'{{{GOOD}, "status": "done"}}\n{line}\n')
    with pytest.raises(ValueError, match=rf"results\.jsonl: line 2 {wrong}"):
        read(tmp_path / "results.jsonl")
