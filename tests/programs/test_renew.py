"""bench.renew: the order of the work after a training, and what its commands name."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import renew
from bench.renew import STEPS, Command, Given, Step, chosen, main, schemes_of, ship
from edgefkp.errors import EdgefkpError, UsageError
from tests.commands import require_understood

EVERYTHING = Given(
    "faces", Path("m2"), Path("photos.npz"), Path("free"), Path("faces68.zip"), (), (Path("peer.tflite"),)
)


def test_every_command_of_every_step_names_a_program_and_files_that_are_there(monkeypatch):
    for name, step in STEPS.items():
        commands = list(step.commands(EVERYTHING))
        assert commands, name
        for command in commands:
            assert command.words[:2] == (sys.executable, "-m")
            require_understood(command.words[2], command.words[3:])
            for word in command.words[3:]:
                if word.startswith(("export/", "models/")):
                    assert (renew.ROOT / word).is_file(), word


def test_the_schemes_are_those_that_are_committed():
    assert schemes_of("best-masked-online") == ["dynamic", "int8"]


def test_a_run_can_go_on_and_take_one_step():
    names = list(STEPS)
    assert chosen(None, None) == names
    assert chosen("scores", None) == names[names.index("scores") :]
    assert chosen(None, "ship") == ["ship"]
    with pytest.raises(UsageError):
        chosen("ship", "scores")


def test_a_step_whose_data_are_not_given_is_named_and_the_first_failure_ends_the_run(monkeypatch, tmp_path):
    done = tmp_path / "done"
    touch = Command((sys.executable, "-c", f"open({str(done)!r}, 'w')"))
    fails = Command((sys.executable, "-c", "raise SystemExit(3)"))
    steps = {
        "left": Step("what is not given", lambda given: iter([fails]), ("photos",)),
        "bad": Step("what fails", lambda given: iter([fails, touch])),
    }
    monkeypatch.setattr(renew, "STEPS", steps)
    result = CliRunner().invoke(main, ["--data", "faces"])
    assert "left out: --photos is not given" in result.output
    assert isinstance(result.exception, EdgefkpError)
    assert result.exception.message == "the last command ended with exit status 3"
    assert result.exception.hint == "mend it; then --from bad"
    assert not done.exists()


@pytest.mark.parametrize(("program", "code", "content"), [("print(1)", 0, "1\n"), ("raise SystemExit(3)", 3, "before")])
def test_an_output_is_replaced_only_by_a_whole_one(tmp_path, program, code, content):
    out = tmp_path / "out.json"
    out.write_text("before")
    assert Command((sys.executable, "-c", program), out).run() == code
    assert out.read_text() == content


def test_nothing_is_shipped_without_its_card(monkeypatch, tmp_path):
    monkeypatch.setattr(renew, "ROOT", tmp_path)
    with pytest.raises(EdgefkpError, match=r"small-masked-online\.float32\.tflite is missing"):
        ship()
