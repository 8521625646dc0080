"""What a fault is played on: the lab, the daemon under test, loads that ask it, and how it is watched."""

import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections import Counter

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
PYTHON = "/usr/bin/python3"  # Debian's, which Samba's bindings belong to

KERBEROS = "127.0.0.11:8088"
OBSERVER = "127.0.0.11:9188"

# When a request counts as lost: Windows waits so long for a KDC. Later than wanted is not lost.
TIMEOUT = 10

# An address may have a thousand connections, which a load whose answers are waited for would use up.
SOURCES = [argument for number in range(41, 49) for argument in ("--source", f"127.0.0.{number}")]


class Failed(Exception):
    """Something beside the daemon under test does not work, or the daemon does not start."""


def wait(holds, patience):
    """Seconds until it holds, or None."""
    started = time.monotonic()
    while time.monotonic() - started < patience:
        if holds():
            return time.monotonic() - started
        time.sleep(0.02)
    return None


class Lab:
    """The domain controller of tests/lab."""

    def __init__(self, folder):
        self.folder = folder
        self.run("start")
        self.read()

    def read(self):
        with open(os.path.join(self.folder, "lab.json"), encoding="utf-8") as file:
            self.json = json.load(file)

    def run(self, *verb):
        run([os.path.join(TESTS, "lab/lab"), verb[0], self.folder, *verb[1:]])

    def rotate(self, keytab):
        run([PYTHON, os.path.join(TESTS, "lab/rotate.py"), self.folder, keytab])
        self.read()

    def users(self, first, last):
        """`name SID` lines of the users made for loads."""
        with open(os.path.join(self.folder, "load-users"), encoding="utf-8") as file:
            return "".join(file.readlines()[first:last])

    def refused_users(self):
        """One on the deny list, directly and by nesting, one that is on no list, and one that is disabled."""
        names = ("denied", "denied_nested", "unlisted", "disabled")
        return "".join(f"{user['name']} {user['sid']}\n" for user in map(self.json["users"].get, names))


def run(command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)}: {done.stdout.strip()}")


class Stage:
    """The lab, the program and a folder for one run of the script."""

    def __init__(self, lab, program, folder, rate):
        self.lab, self.program, self.folder, self.rate = lab, program, folder, rate
        self.tickets = 0  # that loads got from the daemon of the fault under way
        self.write("known", lab.users(0, 200))
        self.write("refused", lab.refused_users())

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content):
        """Whole or not at all, and for the owner alone."""
        mode = "wb" if isinstance(content, bytes) else "w"
        with open(self.path(f"{name}.new"), mode) as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(content)
        os.rename(self.path(f"{name}.new"), self.path(name))
        return self.path(name)

    def copy(self, source, name):
        with open(source, "rb") as file:
            return self.write(name, file.read())

    def load(self, users, transport, rate, *more, keytab="azuread.keytab"):
        """Starts one. Every answer is opened."""
        command = [self.program, "load", KERBEROS, "--users", self.path(users), "--keytab", self.path(keytab),
                   "--realm", self.lab.json["realm"], "--transport", transport, "--verify", "all", "--json",
                   "--timeout", f"{TIMEOUT}s", *SOURCES, *more]
        return Load(self, command + (["--rate", str(rate), "--in-flight", "2000"] if rate else []))

    def once(self, users):
        """Asks for each of them once and returns what came of it."""
        return self.load(users, "tcp", None, "--once").report()


class Load:
    """A `tgtx load` under way."""

    def __init__(self, stage, command):
        self.stage = stage
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True)

    def is_over(self):
        return self.process.poll() is not None

    def end(self):
        """In case that nobody wants its report any more."""
        if not self.is_over():
            self.process.kill()
            self.process.communicate()

    def report(self):
        output, errors = self.process.communicate()
        if not output:
            raise Failed(f"tgtx load: {errors.strip()}")
        answers = Answers(json.loads(output))
        self.stage.tickets += answers.tickets
        return answers


class Answers:
    """What came of requests; may be added."""

    def __init__(self, report=None):
        answers = report["answers"] if report else {}
        self.tickets = answers.get("granted", 0)
        self.denied = Counter(answers.get("denied", {}))
        self.denied.update({"KRB_ERR_RESPONSE_TOO_BIG": answers.get("too_big", 0)})
        self.wrong = Counter(answers.get("wrong", {}))
        self.lost = answers.get("lost", 0)
        self.failed = Counter(answers.get("failed", {}))
        self.gap = report["longest_gap_us"] / 1e6 if report else 0.0
        self.slowest = report["latency_us"]["max"] / 1e6 if report else 0.0

    def __add__(self, other):
        both = Answers()
        for name in ("tickets", "denied", "wrong", "lost", "failed"):
            setattr(both, name, getattr(self, name) + getattr(other, name))
        both.gap, both.slowest = max(self.gap, other.gap), max(self.slowest, other.slowest)
        return both

    @property
    def unanswered(self):
        return self.lost + self.failed.total()

    @property
    def requests(self):
        return self.tickets + self.denied.total() + self.wrong.total() + self.unanswered


class Daemon:
    """`tgtx serve`, started, watched and ended; the configuration is a file that may be written anew."""

    def __init__(self, stage, settings):
        self.stage, self.settings = stage, settings
        self.audit = stage.path(settings.audit)
        self.log = stage.path("log")
        for path in (self.log, self.audit):
            open(path, "w").close()
        for name in ("krbtgt", "azuread"):
            stage.copy(stage.lab.json["keytabs"][name], f"{name}.keytab")
        self.configure()
        self.peak, self.process, self.watcher = 0, None, None

    def configure(self, text=None):
        self.stage.write("tgtx.toml", text if text is not None else self.text())

    def text(self, ttl=None, ca=None, krbtgt="krbtgt.keytab", branch="azuread.keytab"):
        """The configuration, with this in place of what the fault wants."""
        lab, settings, path = self.stage.lab.json, self.settings, self.stage.path
        urls = ", ".join(f'"{url}"' for url in settings.urls or [lab["ldaps"]])
        return f"""[listen]
kerberos = ["{KERBEROS}"]
metrics = "{OBSERVER}"
udp-reply-limit = 65000
[audit]
sink = "file:{self.audit}"
on-loss = "{settings.on_loss}"
[log]
format = "json"
[[domain]]
realm = "{lab['realm']}"
keytabs = ["{path(krbtgt)}", "{path(branch)}"]
[domain.ldap]
urls = [{urls}]
bind-dn = "{lab['service_account']['dn']}"
password-file = "{lab['service_account']['password_file']}"
ca-file = "{ca or lab['ca']}"
[domain.cache]
ttl = "{ttl or settings.ttl}"
poll = "1s"
max-stale = "{settings.max_stale}"
"""

    def start(self, is_ready=True):
        """Starts it and waits until it is ready, or merely answers. Seconds it took."""
        environment = {name: value.format(folder=self.stage.folder) for name, value in self.settings.environment.items()}
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                [*self.settings.prefix, self.stage.program, "serve", "--config", self.stage.path("tgtx.toml")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ | environment)
        self.watcher = threading.Thread(target=self.watch, args=(self.process,), daemon=True)
        self.watcher.start()
        path = "/readyz" if is_ready else "/healthz"
        took = wait(lambda: self.observe(path)[0] == 200 or self.process.poll() is not None, 20)
        if took is None or self.process.poll() is not None:
            raise Failed(f"the daemon does not get ready: {self.tail()}")
        return took

    def watch(self, process):
        """Keeps the most memory that any process of this daemon has had."""
        while process.poll() is None:
            self.peak = max(self.peak, self.memory("VmHWM", process.pid))
            time.sleep(0.1)

    def memory(self, what, pid=None):
        """In MiB, 0 where the process has ended."""
        try:
            with open(f"/proc/{pid or self.process.pid}/status", encoding="ascii") as file:
                found = re.search(rf"^{what}:\s+(\d+) kB", file.read(), re.MULTILINE)
        except OSError:
            found = None
        return int(found[1]) / 1024 if found else 0

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """SIGTERM; the seconds it took and the exit status."""
        started = time.monotonic()
        self.signal(signal.SIGTERM)
        try:
            status = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()
            status = None
        return time.monotonic() - started, status

    def end(self):
        if self.process and self.process.poll() is None:
            self.stop()

    def observe(self, path, patience=2):
        """Status and body, or 0 and nothing."""
        try:
            with urllib.request.urlopen(f"http://{OBSERVER}{path}", timeout=patience) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def sample(self, name):
        """The sum of a metric's values, those of one set of labels if the name has them."""
        lines = re.findall(rf"^{re.escape(name)}(?:{{.*}})? (\S+)$", self.observe("/metrics")[1], re.MULTILINE)
        return sum(map(float, lines))

    def told(self, message):
        """How many lines of the log have a message that begins so."""
        with open(self.log, encoding="utf-8") as file:
            return sum(f'"message":"{message}' in line for line in file)

    def tail(self):
        with open(self.log, encoding="utf-8") as file:
            return "".join(file.readlines()[-3:]).strip()

    def audited(self):
        """Events in the audit file, by outcome, and the number lost."""
        outcomes, lost = Counter(), 0
        with open(self.audit, encoding="utf-8") as file:
            for line in file:
                if not line.endswith("\n"):
                    break  # being written
                event = json.loads(line)
                outcomes[event["outcome"]] += 1
                lost += event.get("lost", 0)
        return outcomes, lost
