"""What `make features` and `make train` take, step by step, and how much of it is the training of the towers.

    python -m benchmarks.whole_road [--root FOLDER] [OVERRIDE ...]

Both commands run one after the other, in a folder of their own that is empty at first; so every text is
encoded, too. OVERRIDE are settings as the commands take them, such as `experiment=movielens_1m`. What the
commands tell of their steps goes to stderr as it comes. The ratio is the whole time by that of the towers,
which nothing around them can make shorter.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

STEP = re.compile(r"(?P<name>.{28}) .* +(?P<seconds>\d+\.\d) s +(?P<memory>[\d,]+) MiB peak")
TOWERS = ("choose towers", "refit towers")


@dataclass(frozen=True)
class Step:
    """A step as its command told of it.

    Attributes:
        name: command and step.
        seconds: how long it took.
        memory: peak of the command's process so far, in MiB.
    """

    name: str
    seconds: float
    memory: int


def run(module: str, overrides: list[str]) -> list[Step]:
    """Runs a command with its output on stderr; returns its steps, and last all that was between them."""
    began, steps = time.perf_counter(), []
    command = [sys.executable, "-m", module, *overrides]
    with subprocess.Popen(command, stdout=sys.stderr, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            sys.stderr.write(line)
            if told := STEP.match(line):
                name, memory = told["name"].strip(), int(told["memory"].replace(",", ""))
                steps.append(Step(f"{module}: {name}", float(told["seconds"]), memory))
    if process.returncode:
        raise SystemExit(process.returncode)
    between = time.perf_counter() - began - sum(step.seconds for step in steps)
    return [*steps, Step(f"{module}: start and between steps", between, steps[-1].memory)]


def main() -> None:
    """Prints a table of steps, and last a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--root", help="folder of the raw files")
    parser.add_argument("overrides", nargs="*", metavar="OVERRIDE")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        overrides = [*given.overrides, f'artifacts="{folder}"']
        root = [f'dataset.root="{given.root}"'] if given.root else []
        steps = run("feature_pipeline", [*overrides, *root]) + run("training_pipeline", overrides)
    for step in steps:
        print(f"{step.name:<50}{step.seconds:>9.1f} s{step.memory:>9,} MiB")
    whole = sum(step.seconds for step in steps)
    towers = sum(step.seconds for step in steps if step.name.endswith(TOWERS))
    peak = max(step.memory for step in steps)
    figures = {"whole_seconds": whole, "tower_seconds": towers, "ratio": whole / towers, "peak_mib": peak}
    print(json.dumps({name: round(value, 2) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
