//! `tgtx plan`: its figures, recomputed from a recorded scrape as docs/plan.md says.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot be set up has failed, and it opens files and sockets of its own"
)]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::{fs, thread};

use serde_json::Value;
use tgtx_tests::folder::Folder;
use tgtx_tests::program::{Ended, run};

fn recorded() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/plan/metrics.txt")
}

/// The sum over a metric's series, read more simply than the program does.
fn sum(metric: &str) -> f64 {
    let text = fs::read_to_string(recorded()).unwrap();
    let values = text.lines().filter_map(|line| {
        let rest = line.strip_prefix(metric)?;
        rest.starts_with(['{', ' ']).then(|| rest.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
    });
    values.sum()
}

fn plan(arguments: &[&str]) -> Ended {
    run(["plan"].iter().chain(arguments))
}

fn assert_near(value: &Value, expected: f64, what: &str) {
    let value = value.as_f64().unwrap();
    assert!((value - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{what}: {value}, not {expected}");
}

#[test]
fn the_figures_are_those_of_the_recorded_scrape() {
    let scrape = recorded();
    let ended = plan(&[
        "--users",
        "20000",
        "--sites",
        "Vienna=12000,Graz=3000",
        "--peak-minutes",
        "20",
        "--unlocks-per-hour",
        "1.5",
        "--burst",
        "3",
        "--cores",
        "4",
        "--headroom",
        "50",
        "--spare",
        "2",
        "--directory-rate",
        "100",
        "--scrape",
        scrape.to_str().unwrap(),
        "--json",
    ]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let plan: Value = serde_json::from_str(&ended.output).unwrap();
    assert_eq!(plan["version"], 1);

    let exchanges = sum("tgtx_exchanges_total");
    let replies = sum("tgtx_reply_size_bytes_count");
    let cpu = sum("process_cpu_seconds_total") / exchanges;
    let searches = sum("tgtx_ldap_searches_total") / exchanges;
    let reply = sum("tgtx_reply_size_bytes_sum") / replies;
    let too_big = sum("tgtx_responses_too_big_total") / replies;
    let octets = 1350.0 + reply + too_big * (1350.0 + 110.0);
    assert_near(&plan["figures"]["cpu_seconds_per_exchange"], cpu, "processor time");
    assert_near(&plan["figures"]["searches_per_exchange"], searches, "searches");
    assert_near(&plan["figures"]["octets_per_exchange"], octets, "octets");

    let mut total = [0.0; 3];
    for (site, (name, users)) in
        plan["sites"].as_array().unwrap().iter().zip([("Vienna", 12e3), ("Graz", 3e3), ("elsewhere", 5e3)])
    {
        assert_eq!((&site["name"], site["users"].as_f64()), (&name.into(), Some(users)));
        let peak = users * 3.0 / (20.0 * 60.0) + users * 1.5 / 3600.0;
        let nodes = (peak * cpu / (4.0 * 0.5)).ceil().max(1.0) + 2.0;
        let directory = (peak * searches / 100.0).ceil().max(1.0);
        for (field, expected) in [
            ("wave_per_second", users * 3.0 / 1200.0),
            ("unlocks_per_second", users * 1.5 / 3600.0),
            ("peak_per_second", peak),
            ("exchanges_per_day", users * (3.0 + 1.5 * 9.0)),
            ("cores", peak * cpu),
            ("megabits_per_second", peak * octets * 8.0 / 1e6),
            ("searches_per_second", peak * searches),
            ("nodes", nodes),
            ("directory_servers", directory),
        ] {
            assert_near(&site[field], expected, field);
        }
        total = [total[0] + peak, total[1] + nodes, total[2] + directory];
    }
    for (field, expected) in ["peak_per_second", "nodes", "directory_servers"].iter().zip(total) {
        assert_near(&plan["total"][field], expected, field);
    }
    assert!(plan["assumed"].as_array().unwrap().len() >= 6);
}

#[test]
fn without_a_scrape_it_says_what_was_measured_and_assumed() {
    let ended = plan(&["--users", "10000"]);
    assert_eq!((ended.status, &*ended.errors), (Some(0), ""));
    for said in ["docs/plan.md", "everywhere", "10000", "--peak-minutes", "--headroom", "--directory-rate"] {
        assert!(ended.output.contains(said), "{said}: {}", ended.output);
    }
}

#[test]
fn prometheus_is_asked_for_the_same_counters() {
    // Every counter grew by 1,000, and the highest rate was that too.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = thread::spawn(move || {
        let mut asked = Vec::new();
        for _ in 0..7 {
            let (mut stream, _) = listener.accept().unwrap();
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).unwrap();
            asked.push(line);
            let answer = "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{},\"value\":[1,\"1000\"]}]}}";
            write!(stream, "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{answer}").unwrap();
        }
        asked
    });
    let ended = plan(&[
        "--users",
        "10",
        "--prometheus",
        &url,
        "--selector",
        "job=\"kdc\"",
        "--window",
        "1h",
        "--json",
    ]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let plan: Value = serde_json::from_str(&ended.output).unwrap();
    assert_near(&plan["figures"]["cpu_seconds_per_exchange"], 1.0, "processor time");
    assert_near(&plan["observed_peak_per_second"], 1000.0, "peak");
    let asked = served.join().unwrap();
    assert!(
        asked
            .iter()
            .all(|line| line.contains("%7Bjob%3D%22kdc%22%7D%5B3600s%5D") || line.contains("max_over_time"))
    );
}

#[test]
fn what_gives_no_figures_is_one_line() {
    let folder = Folder::new();
    let scrape = fs::read_to_string(recorded()).unwrap();
    let no_scrape = folder.write("page.html", "<html>", 0o600);
    let other = folder.write("other.txt", "up 1\n", 0o600);
    let idle = folder.write("idle.txt", &scrape, 0o600);
    let (no_scrape, other, idle) =
        (no_scrape.to_str().unwrap(), other.to_str().unwrap(), idle.to_str().unwrap());
    for (arguments, told) in [
        (&["--scrape", "/nowhere"][..], "/nowhere"),
        (&["--scrape", no_scrape], "page.html: line 1"),
        (&["--scrape", other], "other.txt: no tgtx_exchanges_total"),
        (&["--scrape", idle, "--since", idle], "nothing was exchanged"),
        // Nobody listens on the port of discard.
        (&["--prometheus", "http://127.0.0.1:9"], "http://127.0.0.1:9"),
        (&["--sites", "a=6,b=5"], "more than the 10 there are"),
        (&["--sites", "a=1,a=1"], "named twice"),
    ] {
        let ended = plan(&[&["--users", "10"], arguments].concat());
        assert_eq!((ended.status, &*ended.output), (Some(1), ""), "{ended:?}");
        assert_eq!(ended.errors.lines().count(), 1, "{}", ended.errors);
        assert!(ended.errors.contains(told), "{}", ended.errors);
    }
    for wrong in [
        &["--users", "0"][..],
        &["--users", "10", "--sites", "Vienna"],
        &["--users", "10", "--headroom", "100"],
        &["--users", "10", "--prometheus", "https://p.example"],
        &["--users", "10", "--scrape", "x", "--prometheus", "http://p.example"],
    ] {
        assert_eq!(plan(wrong).status, Some(2), "{wrong:?}");
    }
}
