"""Faults of the operator's making: reloads, new keys, ends and starts."""

import itertools
import os
import signal
import time

from play import UNAVAILABLE, Fault
from stage import wait

REFUSED_CONNECTION = ("Connection refused",)


def reload(play, text=None):
    """SIGHUP with this configuration; whether it was reloaded, as the log and the metric have it."""
    daemon = play.daemon
    daemon.configure(text)
    before = daemon.told("reloaded"), daemon.told("not reloaded")
    daemon.signal(signal.SIGHUP)
    ended = wait(lambda: (daemon.told("reloaded"), daemon.told("not reloaded")) != before, 20)
    play.need(ended is not None, "a reload did not end")
    succeeded = daemon.told("reloaded") > before[0]
    play.need(daemon.sample("tgtx_config_last_reload_successful") == succeeded, "the metric tells of another reload")
    return succeeded


def invalid_configurations(play):
    """Name and text of each; some are made of files that are wrong themselves."""
    stage, daemon, lab = play.stage, play.daemon, play.lab.json
    os.chmod(stage.copy(lab["keytabs"]["azuread"], "open.keytab"), 0o644)
    stage.write("damaged.keytab", b"\x05\x02\x00\x00\x7f\xff" + os.urandom(500))
    stage.copy(lab["branches"]["high"]["keytab"], "other.keytab")
    configurations = [
        ("not TOML", daemon.text() + "[[\n"),
        ("an unknown key", daemon.text() + "[domain.tickets]\nmax-lifetim = \"1h\"\n"),
        ("a keytab that is not there", daemon.text(branch="missing.keytab")),
        ("a keytab that all may read", daemon.text(branch="open.keytab")),
        ("a damaged keytab", daemon.text(branch="damaged.keytab")),
        ("a key in use is gone", daemon.text(branch="other.keytab")),
    ]
    # It takes ten seconds to find that out.
    return configurations if play.is_quick else [
        *configurations, ("a CA that the directory is not of", daemon.text(ca=lab["other_ca"]))]


def reloads(play):
    daemon, count = play.daemon, 10 if play.is_quick else 100
    invalid = itertools.cycle(invalid_configurations(play))
    kept = 0
    for number in range(1, count + 1):
        if number % 5 == 0:
            name, text = next(invalid)
            refused = not reload(play, text)
            play.need(refused, f"reloaded with {name}")
            kept += refused
        else:
            # The time-out is one of the directory's settings: with another one, new connections are made.
            play.need(reload(play, daemon.text(ttl=f"{2 + number % 2}s")), f"a valid reload was refused: {daemon.tail()}")
    play.note(f"{count} reloads, {kept} of them invalid and without effect")


def rotate_branch(play):
    """The loads have tickets under the old key throughout; one more has them under the new."""
    play.lab.rotate("azuread")
    time.sleep(2)
    play.stage.copy(play.lab.json["keytabs"]["azuread"], "azuread.keytab")
    play.need(reload(play), f"not reloaded with the new key: {play.daemon.tail()}")
    new = play.stage.load("known", "tcp", play.stage.rate // 2, "--duration", "3s").report()
    play.need(new.tickets == new.requests, f"under the new key: {new.tickets} tickets of {new.requests}")
    play.note(f"{new.tickets} tickets of {new.requests} under the new version besides")


def behind(play):
    return play.daemon.sample("tgtx_krbtgt_versions_behind")


def rotate_krbtgt(play):
    play.lab.rotate("krbtgt")
    play.wait("warned of", lambda: behind(play) == 1, 2)
    time.sleep(2)
    play.stage.copy(play.lab.json["keytabs"]["krbtgt"], "krbtgt.keytab")
    play.need(reload(play), f"not reloaded with the new key: {play.daemon.tail()}")
    play.need(behind(play) == 0, "the new key is not known to be current")


def outdated_krbtgt(play):
    """Twice, and nobody told the daemon."""
    play.lab.rotate("krbtgt")
    play.lab.rotate("krbtgt")
    play.wait("noticed", lambda: behind(play) == 2, 2)
    play.need(not play.is_ready(), "ready with a key that nobody takes")
    play.nobody_is_served("known", [UNAVAILABLE], "two versions behind")
    play.stage.copy(play.lab.json["keytabs"]["krbtgt"], "krbtgt.keytab")
    play.need(reload(play), f"not reloaded with the new key: {play.daemon.tail()}")
    play.wait("ready again", play.is_ready, 1)


def kill(play):
    down = 0
    for _ in range(1 if play.is_quick else 5):
        play.daemon.kill()
        took = play.daemon.start()
        play.timed("serving again", took, 1)
        down += took
        time.sleep(1)
    play.may_lose = int(play.stage.rate * (down + 0.1))


def terminate(play):
    """What comes while nobody listens is refused by the kernel; all else must be answered."""
    for _ in range(1 if play.is_quick else 5):
        took, status = play.daemon.stop()
        play.timed("stopped", took, 5)
        play.need(status == 0, f"ended with {status}")
        play.daemon.start()
        time.sleep(1)


FAULTS = [
    Fault("reload", "R18: none lost, none refused; an invalid one changes nothing", reloads, 150, 10),
    Fault("rotate-branch", "R17: none lost, none refused, under the old and the new version", rotate_branch, 20, 12),
    Fault("rotate-krbtgt", "R17: none lost, none refused; the metric tells", rotate_krbtgt, 15, 8),
    Fault("outdated-krbtgt", "29 and no ticket, until the key is loaded", outdated_krbtgt, 20, 10,
          may_refuse=(UNAVAILABLE,)),
    Fault("kill", "R19: serving again in less than 1 s", kill, 25, 5,
          may_refuse=(UNAVAILABLE,),
          may_fail=(*REFUSED_CONNECTION, "Connection reset", "closed without"), may_lose_events=True),
    Fault("terminate", "R20: what was asked is answered, in less than 5 s", terminate, 25, 5,
          may_fail=REFUSED_CONNECTION, may_refuse=(UNAVAILABLE,)),
]
