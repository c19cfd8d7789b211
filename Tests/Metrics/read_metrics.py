"""Reads a page of /metrics on stdin with Prometheus's own parser, and prints its families as one JSON object.

Ends with 1 and a sentence when the page is not one that Prometheus would take as it is meant: a family without
help, a series twice, a histogram whose buckets fall or whose last one is not its count, or a label that names a
clinic.
"""

import json
import re
import sys

from prometheus_client.parser import text_string_to_metric_families

# Blanks and quotes would have to be escaped in each query, shell and template that names the value.
PLAIN = re.compile(r"[A-Za-z0-9_.+-]*")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def check_histogram(family):
    """Buckets of each series rise with their bounds, and +Inf holds them all."""
    buckets, counts = {}, {}
    for sample in family.samples:
        labels = dict(sample.labels)
        bound = labels.pop("le", None)
        key = tuple(sorted(labels.items()))
        if sample.name.endswith("_bucket"):
            buckets.setdefault(key, []).append((float(bound), sample.value))
        elif sample.name.endswith("_count"):
            counts[key] = sample.value
    assert buckets, f"{family.name} has no buckets"
    for key, found in buckets.items():
        assert found == sorted(found), f"{family.name}{key} has bounds out of order"
        values = [value for _, value in found]
        assert values == sorted(values), f"{family.name}{key} has falling buckets"
        assert found[-1] == (float("inf"), counts[key]), f"{family.name}{key}: +Inf is not the count"


def main():
    families = {}
    for family in text_string_to_metric_families(sys.stdin.read()):
        assert family.documentation, f"{family.name} has no help"
        assert family.type != "unknown", f"{family.name} has no type"
        assert family.name not in families, f"{family.name} stands twice"
        series = set()
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in series, f"{key} stands twice"
            series.add(key)
            assert not any("clinic" in name for name in sample.labels), f"{key} names a clinic"
            assert not any(UUID.search(value) for value in sample.labels.values()), f"{key} names somebody"
            assert all(PLAIN.fullmatch(value) for value in sample.labels.values()), f"{key} is not plain"
        if family.type == "histogram":
            check_histogram(family)
        families[family.name] = {
            "type": family.type,
            "samples": [[s.name, dict(s.labels), s.value] for s in family.samples],
        }
    json.dump(families, sys.stdout, sort_keys=True)


try:
    main()
except AssertionError as problem:
    sys.exit(f"read_metrics: {problem}")
