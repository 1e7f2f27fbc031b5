"""Runs in processes of their own that begin where this one stands, with everything imported: a kill costs no import."""

import os
import random
import signal
import sys
import time
import traceback


class Forked:
    """A function in a forked process; nothing that it does comes back but its exit code.

    Args:
        work: what is done there; a `SystemExit` is its exit code, another error is 99.
        output: a file that its standard output and error go to.
    """

    def __init__(self, work, output):
        self.began = time.monotonic()
        self.process = os.fork()
        if self.process:
            return
        code = 99
        try:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
            with open(output, "w", buffering=1) as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
                sys.stdout = sys.stderr = file  # those of this process belong to what captures them
                work()
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        finally:
            if code == 99:
                os.write(2, traceback.format_exc().encode())
            os._exit(code)

    def wait(self):
        """The exit code, negative where a signal ended it; and the seconds that it took."""
        _, status = os.waitpid(self.process, 0)
        return os.waitstatus_to_exitcode(status), time.monotonic() - self.began

    def send(self, number):
        os.kill(self.process, number)


def moment(seed, seconds):
    """A random moment of a run that takes so long."""
    return random.Random(seed).uniform(0.0, seconds)
