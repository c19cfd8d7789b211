"""Checks that each example of openapi.json fits the schema beside it, and prints how many there are.

usage: check_examples.py FILE
"""

import json
import sys

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

with open(sys.argv[1], encoding="utf-8") as file:
    document = json.load(file)
registry = Registry().with_resource("urn:api", DRAFT202012.create_resource(document))


def pointer(path):
    return "#/" + "/".join(part.replace("~", "~0").replace("/", "~1") for part in path)


def examples(node, path):
    if isinstance(node, dict):
        if "example" in node and "schema" in node:
            yield path + ["schema"], node["example"]
        for name, part in node.items():
            if name != "example":
                yield from examples(part, path + [name])
    elif isinstance(node, list):
        for place, part in enumerate(node):
            yield from examples(part, path + [str(place)])


count = 0
for path, example in examples(document, []):
    validator = Draft202012Validator(
        {"$ref": "urn:api" + pointer(path)}, registry=registry,
        format_checker=Draft202012Validator.FORMAT_CHECKER)
    for error in validator.iter_errors(example):
        sys.exit(f"{pointer(path)}: {error.json_path}: {error.message}")
    count += 1
print(count)
