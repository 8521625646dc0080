"""One fault, played: the daemon and its loads while it strikes, and whether what came of them is what may come."""

import contextlib
import time
from dataclasses import dataclass, field

from stage import Answers, Daemon, Failed, wait

UNAVAILABLE = "KDC_ERR_SVC_UNAVAILABLE"

# A second, to whom no ticket is due.
REFUSED_RATE = 20


@dataclass
class Settings:
    """What differs of the daemon's configuration and start."""
    urls: list = field(default_factory=list)
    ttl: str = "2s"
    max_stale: str = "20s"
    on_loss: str = "count"
    # Within the folder of the run; `{folder}` in a variable of the environment is that.
    audit: str = "audit.jsonl"
    environment: dict = field(default_factory=dict)
    prefix: tuple = ()


@dataclass
class Fault:
    """`strike` is called with a `Play` while loads run, which last for `seconds`, or `quick` ones."""
    name: str
    # The row of the targets, or none, and what must come of it.
    target: str
    strike: callable
    seconds: int
    quick: int
    settings: Settings = field(default_factory=Settings)
    # What has to be there before the daemon is started.
    around: callable = contextlib.nullcontext
    # Error codes that users may get beside their tickets.
    may_refuse: tuple = ()
    # What may become of a connection while nobody listens.
    may_fail: tuple = ()
    # Whether events may be missing: a process that is killed takes the last ones with it.
    may_lose_events: bool = False
    # How much more than the nominal load.
    times: int = 1


class Play:
    """A fault under way. What it must not bring about is in `misses`, and what was measured in `notes`."""

    def __init__(self, stage, fault, is_quick):
        self.stage, self.fault, self.is_quick = stage, fault, is_quick
        self.lab = stage.lab
        self.seconds = fault.quick if is_quick else fault.seconds
        self.misses, self.notes, self.loads = [], [], []
        self.may_lose = 0
        self.answers, self.refused = Answers(), Answers()
        stage.tickets = 0

    def run(self):
        with self.fault.around(self):
            self.daemon = Daemon(self.stage, self.fault.settings)
            try:
                self.strike()
            except Failed as error:
                self.misses.append(str(error))
            finally:
                for load in self.loads:
                    load.end()
                self.daemon.end()
        return self

    def strike(self):
        stage, fault = self.stage, self.fault
        self.daemon.start()
        self.need(stage.once("known").tickets == 200, "not every user got a ticket before the fault")
        duration = ("--duration", f"{self.seconds}s")
        half = stage.rate * fault.times // 2
        due = [stage.load("known", transport, half, *duration) for transport in ("udp", "tcp")]
        never = [stage.load("refused", transport, REFUSED_RATE // 2, *duration) for transport in ("udp", "tcp")]
        self.loads = due + never
        time.sleep(1)
        fault.strike(self)
        self.need(not any(load.is_over() for load in due), "the load was over before the fault was")
        self.answers = sum((load.report() for load in due), Answers())
        self.refused = sum((load.report() for load in never), Answers())
        self.daemon.end()
        self.judge()

    def judge(self):
        """What holds for every fault."""
        fault, answers, refused = self.fault, self.answers, self.refused
        self.need(answers.tickets > 0, "no ticket at all")
        self.need(not answers.wrong and not refused.wrong, f"wrong answers: {dict(answers.wrong + refused.wrong)}")
        self.need(refused.tickets == 0, f"{refused.tickets} tickets for users that are to be refused")
        other = {code: count for code, count in answers.denied.items() if count and code not in fault.may_refuse}
        self.need(not other, f"refused: {other}")
        failed = sum(count for why, count in answers.failed.items() if not why.startswith(fault.may_fail or "-"))
        self.need(answers.lost + failed <= self.may_lose,
                  f"{answers.lost} lost and {dict(answers.failed)}, {self.may_lose} at most")
        self.need(not self.daemon.told("a defect"), "a defect is in the log")
        outcomes, lost = self.daemon.audited()
        told = outcomes["issued"] + outcomes["retransmitted"] + lost
        self.need(fault.may_lose_events or told >= self.stage.tickets,
                  f"{self.stage.tickets} tickets and {told} audit events of tickets")

    def need(self, holds, otherwise):
        if not holds:
            self.misses.append(otherwise)

    def note(self, text):
        self.notes.append(text)

    def timed(self, what, seconds, limit):
        """A figure and its target, which a slow machine may miss: it is said, and fails nothing."""
        if seconds is None:
            self.misses.append(f"never {what}")
        else:
            self.note(f"{what} after {seconds:.2f} s" + (f", LATE: {limit} s" if seconds > limit else ""))

    def wait(self, what, holds, limit, patience=15):
        self.timed(what, wait(holds, patience), limit)

    def is_ready(self):
        return self.daemon.observe("/readyz")[0] == 200

    def is_served(self):
        """Whether a user who is known gets a ticket."""
        self.stage.write("one", self.lab.users(0, 1))
        return self.stage.once("one").tickets == 1

    def nobody_is_served(self, users, codes, why):
        """Asks for each of them once; all must be refused, and with one of these codes."""
        answers = self.stage.once(users)
        refused = sum(answers.denied[code] for code in codes)
        self.need(refused == answers.requests, f"{why}: {answers.tickets} tickets, {dict(answers.denied)}, "
                  f"{answers.unanswered} without an answer")
        return answers
