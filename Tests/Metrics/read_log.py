"""Reads a log on stdin, every line a JSON object with ts, level, label and message, and prints how many there are."""

import datetime
import json
import sys

lines = sys.stdin.buffer.read().decode("utf-8").split("\n")
if lines.pop() != "":
    sys.exit("read_log: the last line has no end")
for number, line in enumerate(lines, 1):
    entry = json.loads(line)
    if not {"ts", "level", "label", "message"} <= entry.keys():
        sys.exit(f"read_log: line {number} lacks a member: {line}")
    moment = datetime.datetime.fromisoformat(entry["ts"])
    if moment.utcoffset() != datetime.timedelta(0):
        sys.exit(f"read_log: line {number} is not in UTC: {line}")
    if len(line.encode()) > 16_384:
        sys.exit(f"read_log: line {number} is too long")
print(len(lines))
