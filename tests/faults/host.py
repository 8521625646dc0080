"""Faults of the host, and what comes from the network: disk, descriptors, clock, observers, load."""

import contextlib
import glob
import os
import random
import resource
import socket
import threading
import time

from play import UNAVAILABLE, Fault, Settings
from service import reload
from stage import KERBEROS, OBSERVER, Failed, run

SKEW, NOT_YET_VALID = "KRB_AP_ERR_SKEW", "KRB_AP_ERR_TKT_NYV"

LIBFAKETIME = next(glob.iglob("/usr/lib/*/faketime/libfaketimeMT.so.1"), "")

MOST_MEMORY = 256  # MiB


# Disk

@contextlib.contextmanager
def small_disk(play):
    """A file system with room for the events of a full queue."""
    folder = play.stage.path("small")
    os.makedirs(folder, exist_ok=True)
    run(["mount", "-t", "tmpfs", "-o", "size=128m", "tmpfs", folder])
    try:
        yield
    finally:
        run(["umount", folder])


@contextlib.contextmanager
def full_disk(play):
    """Nothing fits any more, until the block ends."""
    filler = play.stage.path("small/filler")
    with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
        while file.write(bytes(1 << 16)):
            pass
    play.wait("the log tells", lambda: play.daemon.told("audit events cannot be written"), 5)
    try:
        yield
    finally:
        os.remove(filler)
    play.wait("written again", lambda: play.daemon.told("audit events are written to"), 2)


def full_disk_counted(play):
    """Service goes on. Events wait, and beyond 65,536 they are lost and counted."""
    with full_disk(play):
        time.sleep(2)
        if not play.is_quick:
            play.stage.load("known", "udp", None, "--requests", "90000").report()
            play.need(play.daemon.sample("tgtx_audit_lost_total") > 0, "90,000 events fit a queue for 65,536")
    play.note(f"{play.daemon.sample('tgtx_audit_lost_total'):.0f} events lost and counted")


def full_disk_refused(play):
    """No ticket without an event."""
    with full_disk(play):
        play.nobody_is_served("known", [UNAVAILABLE], "no room for events")
    play.wait("a ticket again", play.is_served, 2)


# Descriptors

def connect(address, source):
    """A connection without a word, or None where there is none to be had."""
    host, port = address.rsplit(":", 1)
    try:
        return socket.create_connection((host, int(port)), timeout=0.2, source_address=(source, 0))
    except OSError:
        return None


def few_descriptors(play):
    """Silent connections take all there are; then the process gets no more than it has."""
    daemon, silent = play.daemon, []
    stop = time.monotonic() + (3 if play.is_quick else 15)
    while time.monotonic() < stop:
        silent.append(connect(KERBEROS, f"127.0.0.{random.randrange(20, 30)}"))
        time.sleep(0.005)
    play.note(f"{len(silent)} silent connections, {daemon.descriptors()} descriptors open")
    open_now = daemon.descriptors()
    resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (open_now - 8, open_now))
    time.sleep(3)
    # What cannot be read is not reloaded, and nothing changes.
    reload(play)
    resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (open_now, open_now))
    for connection in filter(None, silent):
        connection.close()
    play.wait("ready", play.is_ready, 3)


# Observers

def flooded_observers(play):
    """Requests and noise as fast as they are taken, then more silent connections than there is room for: who speaks is
    answered all the same."""
    half, asked, silent = (2 if play.is_quick else 10), 0, []
    stop = time.monotonic() + half
    while time.monotonic() < stop:
        for request in (b"GET /metrics HTTP/1.1\r\n\r\n", random.randbytes(3000)):
            if connection := connect(OBSERVER, "127.0.0.20"):
                with connection, contextlib.suppress(OSError):
                    connection.sendall(request)
                asked += 1
    stop = time.monotonic() + half
    answered = observed = 0
    while time.monotonic() < stop:
        silent += [connect(OBSERVER, "127.0.0.20") for _ in range(100)]
        answered += play.daemon.observe("/metrics")[0] == 200
        observed += 1
    taken = [connection for connection in silent if connection]
    for connection in taken:
        connection.close()
    play.note(f"{asked} requests; {answered} scrapes of {observed} answered among {len(taken)} silent connections")
    play.need(answered == observed, "silent connections keep observers out")


# Clock

@contextlib.contextmanager
def false_clock(play):
    if not LIBFAKETIME:
        raise Failed("no libfaketime: run tests/lab/packages")
    play.stage.write("clock", "+0")
    yield


def clock(play):
    """Ten minutes fast, right, ten minutes slow, right. Slow, a ticket issued just now is not valid yet."""
    for offset, name, codes in (("+10m", "fast", [SKEW]), ("-10m", "slow", [SKEW, NOT_YET_VALID])):
        play.stage.write("clock", offset)
        play.wait(f"refused while {name}", lambda: not play.is_served(), 3)
        play.nobody_is_served("known", codes, f"a clock ten minutes {name}")
        time.sleep(1)
        play.stage.write("clock", "+0")
        play.wait("a ticket again", play.is_served, 3)


# Load

def overload(play):
    time.sleep(play.seconds - 2)
    play.need(play.daemon.peak < MOST_MEMORY, f"{play.daemon.peak:.0f} MiB")


class Noise(threading.Thread):
    """Datagrams and frames that are no requests, requests with a flipped bit, and those again that were answered."""

    def __init__(self, play):
        super().__init__(daemon=True)
        self.play, self.ended, self.sent = play, False, 0
        host, port = KERBEROS.rsplit(":", 1)
        self.address = host, int(port)

    def run(self):
        while not self.ended:
            request = self.request()
            for _ in range(10):
                damaged = bytearray(request)
                damaged[random.randrange(len(request))] ^= 1 << random.randrange(8)
                for octets in (damaged, request, random.randbytes(random.randrange(2000))):
                    self.send(octets)
                time.sleep(0.05)

    def request(self):
        """A fresh one, of a user who is known."""
        play = self.play
        name, sid = play.lab.users(0, 1).split()
        run([play.stage.program, "mint", "--keytab", play.stage.path("azuread.keytab"), "--realm",
             play.lab.json["realm"], "--user", name, "--sid", sid, "--request", play.stage.path("request")])
        with open(play.stage.path("request"), "rb") as file:
            return file.read()

    def send(self, octets):
        with contextlib.suppress(OSError):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                udp.sendto(octets, self.address)
            with socket.create_connection(self.address, timeout=1) as tcp:
                tcp.sendall(len(octets).to_bytes(4, "big") + octets)
            self.sent += 2

    def end(self):
        self.ended = True
        self.join()


def soak(play):
    """Valid requests, those of users to be refused, and noise. Memory and descriptors from a fifth of the time on."""
    noise = Noise(play)
    noise.start()
    time.sleep(play.seconds / 5)
    first = play.daemon.memory("VmRSS"), play.daemon.descriptors()
    time.sleep(play.seconds * 4 / 5 - 3)
    last = play.daemon.memory("VmRSS"), play.daemon.descriptors()
    noise.end()
    play.note(f"{noise.sent} messages of noise; from {first[0]:.1f} to {last[0]:.1f} MiB, "
              f"from {first[1]} to {last[1]} descriptors")
    play.need(play.daemon.sample("tgtx_panics_total") == 0, "a panic")
    # Connections come and go; what leaks, leaks with each of some hundred a second.
    play.need(last[1] - first[1] < 50, "descriptors are leaking")


FAULTS = [
    Fault("disk-full-count", "service goes on, losses are counted", full_disk_counted, 60, 6,
          settings=Settings(audit="small/audit.jsonl"), around=small_disk),
    Fault("disk-full-refuse", "29, and no ticket without its event; recovers", full_disk_refused, 15, 6,
          settings=Settings(audit="small/audit.jsonl", on_loss="refuse"), around=small_disk, may_refuse=(UNAVAILABLE,)),
    Fault("descriptors", "none lost, none refused", few_descriptors, 35, 10,
          settings=Settings(prefix=("prlimit", "--nofile=300:300"))),
    Fault("observers", "none lost, none refused", flooded_observers, 35, 7),
    Fault("clock", "R16: 37, or 33, and no ticket; recovers", clock, 30, 15, around=false_clock,
          may_refuse=(SKEW, NOT_YET_VALID),
          settings=Settings(environment={
              "LD_PRELOAD": LIBFAKETIME, "FAKETIME_TIMESTAMP_FILE": "{folder}/clock", "FAKETIME_CACHE_DURATION": "1",
              "FAKETIME_DONT_FAKE_MONOTONIC": "1"})),
    Fault("overload", f"R11: less than {MOST_MEMORY} MiB under ten times the load", overload, 20, 4, times=10),
    Fault("soak", "R23: memory and descriptors stay; none lost", soak, 600, 10),
]
