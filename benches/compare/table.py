#!/usr/bin/python3
"""The table of a comparison: table.py RESULTS REVISION DURATION [JSON], or table.py --one FILE for one run in words.

RESULTS holds the reports of `tgtx load --json` as SERVER-ROW.N.json. Of each row's runs, the one with the median CPU time
is shown, and its CPU time as a multiple of ours in the same row.
"""

import datetime
import json
import os
import platform
import re
import sys

ROWS = {
    "udp": "UDP",
    "tcp": "TCP, a connection each",
    "tcp-kept": "TCP, kept alive",
    "udp-200-groups": "UDP, a user in 200 groups",
    "udp-too-big": "UDP, default reply limit: error 52",
}
SERVERS = ("ours", "samba", "mit")
# A generator that is this busy may be what limits the rate.
BUSY = 0.9


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def in_words(report):
    return (f"{report['server']['cpu_us']:.2f} µs CPU, {report['exchanges_per_second']:.0f} a second, "
            f"p99 {report['latency_us']['p99']:.0f} µs")


def hardware():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        cpu = file.read()
    model = re.search(r"^model name\s*: (.*)", cpu, re.M)
    return {"cpu": model[1] if model else platform.machine(), "cores": os.cpu_count(),
            "sha_ni": " sha_ni" in cpu, "aes": " aes" in cpu, "kernel": platform.release()}


def rows(folder):
    for server in SERVERS:
        for row in ROWS:
            reports = [read(os.path.join(folder, name)) for name in sorted(os.listdir(folder))
                       if re.fullmatch(rf"{server}-{row}\.\d+\.json", name)]
            if reports:
                reports.sort(key=lambda report: report["server"]["cpu_us"])
                yield {"server": server, "row": row, "median": reports[(len(reports) - 1) // 2], "runs": reports}


def compare(folder, revision, duration):
    table = list(rows(folder))
    ours = {row["row"]: row["median"]["server"]["cpu_us"] for row in table if row["server"] == "ours"}
    for row in table:
        row["times_ours"] = row["median"]["server"]["cpu_us"] / ours[row["row"]]
    return {"version": 1, "date": datetime.date.today().isoformat(), "revision": revision, "duration": duration,
            **hardware(), "rows": table}


def show(result):
    print(f"{result['date']}, revision {result['revision']}: {result['cpu']}, {result['cores']} cores, "
          f"SHA instructions: {'yes' if result['sha_ni'] else 'no'}, Linux {result['kernel']}")
    print(f"Each row is the median by CPU time of {len(result['rows'][0]['runs'])} runs of {result['duration']}; server and "
          f"generator {'had a core each' if result['cores'] > 1 else 'shared one core'}.")
    line = "{:6}  {:36} {:>10} {:>8} {:>9} {:>9} {:>9} {:>8} {:>9}"
    print(line.format("server", "request", "CPU, µs", "× ours", "a second", "p50, µs", "p99, µs", "RSS, MiB",
                      "in flight"))
    for row in result["rows"]:
        report = row["median"]
        mark = "*" if report["generator"]["cores"] > BUSY else ""
        print(line.format(
            row["server"], ROWS[row["row"]], f"{report['server']['cpu_us']:.2f}", f"{row['times_ours']:.1f}",
            f"{report['exchanges_per_second']:.0f}{mark}", f"{report['latency_us']['p50']:.0f}",
            f"{report['latency_us']['p99']:.0f}", f"{report['server']['peak_memory'] / 2**20:.0f}",
            report["in_flight"]))
    if any(row["median"]["generator"]["cores"] > BUSY for row in result["rows"]):
        print("* the generator was busy: the server could do more")


def main():
    if sys.argv[1] == "--one":
        print(in_words(read(sys.argv[2])))
        return
    folder, revision, duration, *file = sys.argv[1:]
    result = compare(folder, revision, duration)
    show(result)
    if file:
        with open(file[0], "w", encoding="utf-8") as out:
            json.dump(result, out, indent=1, ensure_ascii=False)


if __name__ == "__main__":
    main()
