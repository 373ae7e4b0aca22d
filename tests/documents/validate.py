#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Whether the JSON documents that kata-cgroup has printed are as doc/json says.

usage: validate.py DOCUMENTS... > RESULT.tap

Each line of a file of documents is "KIND<tab>DOCUMENT"; tests/bats/helpers.bash keeps them. A kind of which there is no
document fails, as does an example in should-fail/ (KIND-WHAT.json) that passes.
"""
import json
import pathlib
import sys
import warnings

from jsonschema import Draft202012Validator, FormatChecker, RefResolver

HERE = pathlib.Path(__file__).resolve().parent
SCHEMAS = HERE.parent.parent / "doc" / "json"
KINDS = ["attach-vcpus", "features", "inspect", "list", "log", "plan", "prune", "stats-line", "watch"]
ERRORS_SHOWN = 5


class Tap:
    """Test results, as `prove` and test.sh read them."""

    def __init__(self):
        self.count = 0
        self.failed = False

    def result(self, text, problems):
        self.count += 1
        self.failed = self.failed or bool(problems)
        print(f"{'not ok' if problems else 'ok'} {self.count} {text}")
        for problem in problems[:ERRORS_SHOWN]:
            print(f"# {problem}"[:600])
        if len(problems) > ERRORS_SHOWN:
            print(f"# and {len(problems) - ERRORS_SHOWN} more")


def undescribed(schema, path=""):
    """The members of a schema that nothing is said about."""
    if isinstance(schema, list):
        for index, part in enumerate(schema):
            yield from undescribed(part, f"{path}/{index}")
    elif isinstance(schema, dict):
        for name, part in schema.items():
            inside = f"{path}/{name}"
            # What "if" names is described where it belongs.
            if name == "properties" and not path.endswith("/if"):
                yield from (f"{inside}/{member}: no description" for member, its in part.items() if "description" not in its)
            yield from undescribed(part, inside)


def check_schema(schema):
    try:
        Draft202012Validator.check_schema(schema)
    except Exception as error:  # whatever it is, it is not a schema
        return [str(error).splitlines()[0]]
    return list(undescribed(schema))


def deepest(error):
    """Of an anyOf or oneOf, what came nearest to passing."""
    while error.context:
        error = max(error.context, key=lambda inner: (len(inner.absolute_path), inner.validator != "type"))
    return error


def problems_of(validator, text):
    try:
        document = json.loads(text)
    except ValueError as error:
        return [f"not JSON: {error}: {text[:200]}"]
    return [f"{'.'.join(map(str, found.absolute_path))}: {found.message}"
            for found in map(deepest, validator.iter_errors(document))]


def main(files):
    tap = Tap()
    schemas = {path.name: json.loads(path.read_text()) for path in sorted(SCHEMAS.glob("*.schema.json"))}
    for name, schema in schemas.items():
        tap.result(f"{name} is a schema, and describes each member", check_schema(schema))
    validators = {kind: Draft202012Validator(
        schemas[f"{kind}.schema.json"], resolver=RefResolver("", schemas[f"{kind}.schema.json"], store=schemas),
        format_checker=FormatChecker()) for kind in KINDS}

    passing = []
    examples = sorted((HERE / "should-fail").glob("*.json"))
    for path in examples:
        kind = next(kind for kind in KINDS if path.name.startswith(f"{kind}-"))
        if not problems_of(validators[kind], path.read_text()):
            passing.append(f"{path.name} passes")
    tap.result(f"{len(examples)} documents that are wrong are refused", passing)

    seen = {kind: set() for kind in KINDS}
    strays = []
    for name in files:
        for line in pathlib.Path(name).read_text(encoding="utf-8").splitlines():
            kind, _, document = line.partition("\t")
            if kind in seen:
                seen[kind].add(document)
            else:
                strays.append(f"{name}: {line[:200]}")
    tap.result("every line that was kept is a document", strays)
    for kind, documents in seen.items():
        problems = [problem for document in sorted(documents) for problem in problems_of(validators[kind], document)]
        if not documents:
            problems = ["none was printed"]
        tap.result(f"{kind}: {len(documents)} documents are as {kind}.schema.json says", problems)
    return 1 if tap.failed else 0


if __name__ == "__main__":
    warnings.simplefilter("ignore", DeprecationWarning)  # RefResolver, in later versions of jsonschema
    sys.exit(main(sys.argv[1:]))
