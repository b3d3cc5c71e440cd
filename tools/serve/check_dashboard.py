#!/usr/bin/env python3
"""Fails where the Grafana dashboard asks for a metric or a label that a running server does not have.

URL is a `spanqa serve`; without one it is started here. It gets a few requests first, because a counter with labels
appears with its first count.
"""
import argparse
import contextlib
import json
import pathlib
import re
import sys
import urllib.error
import urllib.request

import common

DASHBOARD = pathlib.Path(__file__).resolve().parents[2] / "packaging/grafana/spanqa.json"
ADDED_BY_PROMETHEUS = {"instance", "job", "le"}


def post(url, body):
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        urllib.request.urlopen(request).read()
    except urllib.error.HTTPError as error:  # a refusal counts too
        error.read()


def served(text):
    """Name -> labels of every sample in Prometheus' text form."""
    names = {}
    for name, labels in re.findall(r"^(spanqa_\w+)(?:\{(.*?)\})? ", text, flags=re.M):
        names.setdefault(name, set()).update(re.findall(r"(\w+)=\"", labels))
    return names


def expressions(dashboard):
    """Every PromQL text of the dashboard, with the title of its panel."""
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["query"]


def labels_of(expression):
    found = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", expression))
    for group in re.findall(r"\b(?:by|without)\s*\(([^)]*)\)", expression):
        found |= {label.strip() for label in group.split(",")}
    return found - ADDED_BY_PROMETHEUS


def faults_of(dashboard, names):
    faults = []
    for title, expression in expressions(dashboard):
        metrics = re.findall(r"spanqa_\w+", expression)
        if not metrics:
            faults.append(f"{title}: names no metric of spanqa")
        known = set().union(*(names.get(metric, set()) for metric in metrics))
        faults += [f"{title}: there is no metric {metric}" for metric in metrics if metric not in names]
        faults += [f"{title}: no label {label}" for label in labels_of(expression) - known]
    return faults


def metrics_of(url):
    post(url + "/predict", b'{"question": "Who lives here?", "context": "Ada lives here."}')
    post(url + "/v1/answer", b"no JSON")
    with urllib.request.urlopen(url + "/metrics") as response:
        return served(response.read().decode())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url", metavar="URL", nargs="?")
    url = parser.parse_args().url
    with contextlib.nullcontext() if url else common.Server() as server:
        names = metrics_of(url.rstrip("/") if url else server.url)
    dashboard = json.loads(DASHBOARD.read_text())
    faults = faults_of(dashboard, names)
    asked = {name for _, expression in expressions(dashboard) for name in re.findall(r"spanqa_\w+", expression)}
    print("\n".join(faults) if faults else f"{len(asked)} series of the dashboard are all served")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
