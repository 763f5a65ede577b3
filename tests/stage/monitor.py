#!/usr/bin/env python3
"""A Prometheus of Debian scrapes the program: `monitor.py --binary PROGRAM --out DIR --packages DIR`.

The package is unpacked into --packages, not installed (fetched with apt-get download the first time, the one need of a
network). promtool judges the text of /metrics; then Prometheus itself scrapes a running conversation, and its API gives
our series. The last line is `N passed, N failed`.
"""

import argparse
import json
import socket
import subprocess
import sys
import traceback
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

from desk import Failure, eventually, require
from program import Program

ROOT = Path(__file__).resolve().parent.parent.parent
QUESTION = ROOT / "assets/speech/question.wav"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("binary", "out", "packages"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    options.binary = options.binary.resolve()
    passed = failed = 0
    for case in (strangers_are_refused, promtool_has_no_complaint, prometheus_has_our_series, a_taken_port_is_said):
        folder = options.out.resolve() / "monitor" / case.__name__
        folder.mkdir(parents=True, exist_ok=True)
        try:
            print(f"ok {case.__name__}: {case(options, folder)}", flush=True)
            passed += 1
        except Exception as error:  # a case that breaks is a failure, and the others still run
            failed += 1
            print(f"FAILED {case.__name__}: {error}", flush=True)
            if not isinstance(error, Failure):
                traceback.print_exc()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def strangers_are_refused(options, folder):
    with conversation(options, folder) as (port, token):
        for path in ("/metrics", "/health"):
            for wrong in (None, "Bearer no", f"Basic {token}", token):
                status, _ = get(port, path, wrong)
                require(status == 401, f"{path} with {wrong!r}: {status}")
        require(get(port, "/other", f"Bearer {token}")[0] == 404, "/other is not 404")
        status, health = get(port, "/health", f"Bearer {token}")
        health = json.loads(health)
        require(status in (200, 503) and health["schema"] == "sovereign.health/1", f"{status}: {health}")
        return f"health {health['status']}, link {health['link']}"


def promtool_has_no_complaint(options, folder):
    with conversation(options, folder) as (port, token):
        text = turns_counted(port, token, 1)
    (folder / "metrics.txt").write_text(text)
    run = subprocess.run([unpacked(options) / "promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
    require(run.returncode == 0 and not run.stderr.strip(), f"promtool: {run.returncode} {run.stdout} {run.stderr}")
    return f"{len(text.splitlines())} lines, no complaint"


def prometheus_has_our_series(options, folder):
    with conversation(options, folder) as (port, token):
        turns_counted(port, token, 1)
        api = free_port()
        (folder / "token").write_text(token)
        (folder / "prometheus.yml").write_text(
            f"scrape_configs:\n  - job_name: sovereign\n    scrape_interval: 1s\n    authorization: {{credentials_file: {folder}/token}}\n"
            f"    static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n")
        arguments = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{api}"]
        with open(folder / "prometheus.log", "w") as log:
            prometheus = subprocess.Popen([unpacked(options) / "prometheus", *arguments], stdout=log, stderr=log, cwd=folder)
            try:
                wanted = {
                    'up{job="sovereign"}': lambda value: value == 1,
                    'sovereign_turns_total{outcome="completed"}': lambda value: value >= 1,
                    'sovereign_latency_seconds_count{part="response"}': lambda value: value >= 1,
                    'histogram_quantile(0.95, sovereign_latency_seconds_bucket{part="response"})': lambda value: value > 0,
                    "sovereign_resident_memory_bytes": lambda value: value > 1e6,
                    "sovereign_info": lambda value: value == 1,
                }
                found = {query: eventually(f"series {query}", 60, lambda q=query, good=good: ask(api, q, good)) for query, good in wanted.items()}
                require(prometheus.poll() is None, "Prometheus ended")
            finally:
                prometheus.terminate()
                prometheus.wait(20)
    return ", ".join(f"{value:g}" for (value,) in found.values())


def a_taken_port_is_said(options, folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with talk(options, folder, port, turns=1) as program:
            program.wait_end(60)
            require(str(port) in program.stderr() and "taken" in program.stderr(), f"not said: {program.stderr()}")
            require(len(program.spoken()) == 1, "the conversation did not go on")
    return f"port {port} is taken, and the conversation went on"


def talk(options, folder, port, turns):
    files = [QUESTION] * turns
    return Program(options.binary, ["talk", "--demo", "--json", "--output", "none", "--monitor", port, "--turns", turns, "--input", *files], folder)


class conversation:
    """A conversation with the demo that lasts for long enough, its port and its token."""

    def __init__(self, options, folder):
        self.port = free_port()
        self.program = talk(options, folder, self.port, turns=20)

    def __enter__(self):
        file = self.program.folder / "home/.local/state/sovereign/monitor-token"
        token = eventually("a token", 20, lambda: file.read_text() if file.exists() else None)
        require(file.stat().st_mode & 0o777 == 0o600, "others can read the token")
        eventually("an endpoint", 20, lambda: get(self.port, "/health", None)[0] == 401)
        require(token not in self.program.stderr(), "the token was printed")
        return self.port, token

    def __exit__(self, *rest):
        self.program.__exit__(*rest)


def turns_counted(port, token, least):
    """The page, once so many turns are in it."""
    def probe():
        status, text = get(port, "/metrics", f"Bearer {token}")
        require(status == 200, f"/metrics: {status}")
        line = next((l for l in text.splitlines() if l.startswith('sovereign_turns_total{outcome="completed"}')), "x 0")
        return text if float(line.split()[-1]) >= least else None
    return eventually(f"{least} turns in the page", 60, probe)


def get(port, path, authorization):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}")
    if authorization:
        request.add_header("Authorization", authorization)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return None, ""


def ask(api, query, good):
    """(value,) of the first series, where it is good."""
    status, text = get(api, "/api/v1/query?" + urllib.parse.urlencode({"query": query}), None)
    if status != 200:
        return None
    result = json.loads(text)["data"]["result"]
    value = float(result[0]["value"][1]) if result else float("nan")
    return (value,) if good(value) else None


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def unpacked(options):
    """The folder with prometheus and promtool."""
    folder = options.packages.resolve()
    programs = folder / "prometheus/usr/bin"
    if not (programs / "promtool").exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", "-q", "prometheus"], cwd=folder, check=True, capture_output=True, timeout=300)
        package = max(folder.glob("prometheus_*.deb"))
        subprocess.run(["dpkg", "-x", package, folder / "prometheus"], check=True, timeout=300)
    return programs


if __name__ == "__main__":
    sys.exit(main())
