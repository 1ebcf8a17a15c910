"""The Makefile: what each target would run, without running it."""

import re
import shlex

import pytest

from tests.end_to_end.commands import ROOT, run_make

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = re.findall(r"^([a-z]+):", MAKEFILE, flags=re.MULTILINE)
PLACES = ("DATASET=films", "ROOT=raw files", "ARTIFACTS=out (1)")
OVERRIDES = ["dataset=films", 'artifacts="out (1)"', 'dataset.root="raw files"']


def expand(*arguments: str, **variables: str) -> list[list[str]]:
    """The words of each command that make would run; the program's folder is left out."""
    done = run_make("--just-print", *arguments, **variables)
    assert done.returncode == 0, done.stderr
    commands = [shlex.split(line) for line in done.stdout.replace("\\\n", " ").splitlines()]
    return [[words[0].rpartition("/")[2], *words[1:]] for words in commands]


@pytest.mark.parametrize(
    ("target", "module"), [("features", "feature_pipeline"), ("train", "training_pipeline")]
)
def test_pipelines_get_the_places_and_further_overrides(target, module):
    start = ["python", "-m", module]
    assert expand(target, *PLACES, "ARGS=seed=1 tower=small") == [
        [*start, *OVERRIDES, "seed=1", "tower=small"]
    ]


@pytest.mark.parametrize("target", ["features", "train"])
def test_defaults(target):
    assert [words[3:] for words in expand(target)] == [[]]


def test_an_experiment_may_choose_the_data_set():
    assert expand("train", "ARGS=experiment=movielens_1m")[0][3:] == ["experiment=movielens_1m"]


def test_sweep():
    start = ["python", "-m", "training_pipeline", "--multirun"]
    assert expand("sweep") == [[*start, "sweep=tower_size"]]
    assert expand("sweep", "SWEEP=temperature", *PLACES) == [[*start, "sweep=temperature", *OVERRIDES]]


def test_demo_shows_a_user_and_a_page():
    commands = expand("demo", *PLACES, "ARGS=seed=1")
    assert [words[2] for words in commands] == ["feature_pipeline", "training_pipeline", "inference"]
    for words in commands:
        assert words[3:5] == ["dataset=sample", OVERRIDES[1]]
        assert words[-1] == "seed=1"
    assert expand("demo")[-1][4:] == ["user=user-001", 'html="artifacts/demo.html"']
    assert 'html="out (1)/demo.html"' in expand("demo", *PLACES)[-1]


class TestInfer:
    START = ("python", "-m", "inference")

    @pytest.mark.parametrize("user", ["x", "007", "1e3", "a b", "o'brien", "all"])
    def test_user_of_the_command_line(self, user):
        assert expand("infer", f"USER={user}") == [[*self.START, "k=10", f'user="{user}"']]

    def test_login_name_is_no_request(self):
        assert expand("infer", USER="x") == [[*self.START, "k=10"]]

    def test_command_line_goes_before_the_login_name(self):
        assert expand("infer", "USER=y", USER="x") == [[*self.START, "k=10", 'user="y"']]

    def test_everything(self):
        outputs = ("FORMAT=json", "HTML=a page.html", "OUT=all of them.parquet", "K=200", "ARGS=seed=1")
        assert expand("infer", "USER=x", *PLACES, *outputs) == [
            [
                *("python", "-m", "inference", *OVERRIDES, "k=200", 'user="x"'),
                *("format=json", 'html="a page.html"', 'out="all of them.parquet"', "seed=1"),
            ]
        ]


class TestServe:
    START = ("python", "-m", "inference.service")

    def test_defaults(self):
        assert expand("serve") == [[*self.START]]

    def test_everything(self):
        given = ("WORKERS=2", "PORT=8080", "HOST=::1", "ARGS=serve.queue=9")
        expected = ["serve.workers=2", "serve.port=8080", 'serve.host="::1"', "serve.queue=9"]
        assert expand("serve", *PLACES, *given) == [[*self.START, *OVERRIDES, *expected]]

    def test_the_name_of_the_machine_opens_no_door(self):
        assert expand("serve", HOST="machine.example") == [[*self.START]]


def test_simulate():
    start = ["python", "-m", "inference.simulate"]
    assert expand("simulate", *PLACES) == [[*start, *OVERRIDES]]
    given = ("URL=http://127.0.0.1:8080", "USERS=9", "ROUNDS=2", "ARGS=simulate.k=3")
    settings = [
        'simulate.url="http://127.0.0.1:8080"',
        "simulate.users=9",
        "simulate.rounds=2",
        "simulate.k=3",
    ]
    assert expand("simulate", *given) == [[*start, *settings]]


def test_rollback():
    start = ["python", "-m", "inference.rollback"]
    assert expand("rollback", *PLACES) == [[*start, *OVERRIDES]]
    assert expand("rollback", "BUNDLE=0123") == [[*start, 'bundle="0123"']]


def test_test_lints_first():
    commands = expand("test")
    assert commands[-1] == ["python", "-m", "pytest", "-n", "2", "--dist", "loadfile"]
    linters = [words for words in commands if words[0] in ("ruff", "mypy", "lint-imports")]
    assert linters == [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"], ["lint-imports"]]


def test_help_lists_every_target():
    listed = re.findall(r"^  ([a-z]+)  ", run_make("help").stdout, flags=re.MULTILINE)
    assert sorted(listed) == sorted(TARGETS)


def test_no_target_is_taken_for_a_file():
    phony = re.search(r"^\.PHONY: (.*)", MAKEFILE, flags=re.MULTILINE)
    assert phony is not None
    assert sorted(phony[1].split()) == sorted(TARGETS)


def test_installing_needs_a_lock():
    """Every target but help and clean waits for the installation, which the locks decide."""
    waiting = re.findall(r"^([a-z]+): \$\((?:STAMP|EXTRAS)\)", MAKEFILE, flags=re.MULTILINE)
    assert sorted({*waiting, "help", "clean"}) == sorted(TARGETS)
    assert "$(STAMP): requirements.lock" in MAKEFILE
    assert "$(EXTRAS): requirements-extras.lock $(STAMP)" in MAKEFILE
