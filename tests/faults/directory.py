"""Faults of the directory: it is away, one of two hangs or dies, or it is slow."""

import contextlib
import os
import signal
import subprocess
import time

from play import UNAVAILABLE, Fault, Settings
from stage import HERE, PYTHON, Failed, wait

# The second server; the lab's certificate has the address.
SECOND = "127.0.0.12:6360"
FIRST_OF_TWO = [f"ldaps://{SECOND}", "ldaps://127.0.0.10"]


class Forwarder:
    """The second server: a way to the first one that may be stopped, slowed or killed."""

    def __init__(self):
        self.start()

    def start(self):
        self.process = subprocess.Popen([PYTHON, os.path.join(HERE, "forward.py"), SECOND, "127.0.0.10:636"])
        if wait(self.listens, 10) is None:
            raise Failed("the forwarder does not listen")

    @staticmethod
    def listens():
        with open("/proc/net/tcp", encoding="ascii") as file:
            return "0C00007F:18D8 00000000:0000 0A" in file.read()

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.process.wait()


def stopped(play):
    """Whoever is remembered is served until `ttl`, nobody else; all of them again when it is back."""
    play.stage.write("unknown", play.lab.users(200, 220))
    play.lab.run("stop")
    away = time.monotonic()
    answers = play.nobody_is_served("unknown", [UNAVAILABLE], "users not remembered")
    play.timed("users not remembered refused", answers.slowest, 2)
    time.sleep(max(0, away + 4 - time.monotonic()))
    answers = play.nobody_is_served("known", [UNAVAILABLE], "users remembered for longer than ttl")
    play.timed("users no longer remembered refused", answers.slowest, 2)
    play.wait("/readyz 503", lambda: play.daemon.observe("/readyz")[0] == 503, 8)
    play.need(play.daemon.observe("/healthz")[0] == 200, "/healthz depends on the directory")
    back(play)


def absent_at_start(play):
    """Killed and started anew while the directory is away: up, not ready, and ready by itself."""
    play.lab.run("stop")
    play.daemon.kill()
    took = play.daemon.start(is_ready=False)
    play.timed("up without a directory", took, 1)
    play.may_lose = int(play.stage.rate * (took + 0.1))
    play.need(play.daemon.observe("/readyz")[0] == 503, "ready without a directory")
    play.nobody_is_served("known", [UNAVAILABLE], "no directory since the start")
    back(play)


def back(play):
    play.lab.run("start")
    play.wait("ready again", play.is_ready, 3)
    play.wait("a ticket again", play.is_served, 3)


def hanging(play):
    play.forwarder.signal(signal.SIGSTOP)
    time.sleep(6)
    play.forwarder.signal(signal.SIGCONT)


def killed(play):
    play.forwarder.kill()
    time.sleep(3)
    play.forwarder.start()


def slow(play):
    """There is no other one: the daemon sheds, and its observers are answered."""
    play.stage.write("unknown", play.lab.users(200, 400))
    play.forwarder.signal(signal.SIGUSR1)
    time.sleep(3)
    answers = play.nobody_is_served("unknown", [UNAVAILABLE], "a search takes five seconds")
    play.timed("refused", answers.slowest, 2)
    for path in ("/metrics", "/healthz"):
        play.need(play.daemon.observe(path)[0] == 200, f"{path} is not answered")
    play.forwarder.signal(signal.SIGUSR2)
    play.wait("a ticket again", play.is_served, 3)


@contextlib.contextmanager
def second_server(play):
    play.forwarder = Forwarder()
    try:
        yield
    finally:
        play.forwarder.kill()


OUTAGE = Settings(ttl="3s", max_stale="6s")

FAULTS = [
    Fault("directory-stopped", "R12: 29 within 2 s, the remembered until ttl; 503; recovers", stopped, 45, 22,
          settings=OUTAGE, may_refuse=(UNAVAILABLE,)),
    Fault("directory-absent", "R19: up without it, 29, 503; recovers", absent_at_start, 35, 14,
          settings=OUTAGE, may_refuse=(UNAVAILABLE,), may_lose_events=True,
          may_fail=("Connection refused", "Connection reset", "closed without")),
    Fault("directory-hangs", "R14: the other one serves in less than 3 s", hanging, 15, 8,
          settings=Settings(urls=FIRST_OF_TWO), around=second_server, may_refuse=(UNAVAILABLE,)),
    Fault("directory-dies", "R14: the other one serves in less than 3 s", killed, 12, 5,
          settings=Settings(urls=FIRST_OF_TWO), around=second_server, may_refuse=(UNAVAILABLE,)),
    Fault("directory-slow", "R13: 29 beyond what it can do; observers are answered", slow, 25, 10,
          settings=Settings(urls=FIRST_OF_TWO[:1]), around=second_server, may_refuse=(UNAVAILABLE,)),
]
