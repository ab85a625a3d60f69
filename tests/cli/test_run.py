"""What `edgefkp run` refuses before it starts; the run itself is in tests/test_pipeline.py."""

import pytest

from edgefkp.cli import main


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--models", "smal"], "did you mean small"),
        (["--models", ","], "names no network"),
        (["--epochs", "2", "--images", "5"], "exclude each other"),
        (["--treatment", "hope"], "masked"),
        (["--images", "0"], "images is 0"),
    ],
)
def test_wrong_usage_tells_and_exits_2(options, told, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["run", *options])
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert told in error


def test_without_tensorflow_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr("edgefkp.networks.tensorflow.find_spec", lambda name: None)
    with pytest.raises(SystemExit) as caught:
        main(["run"])
    assert caught.value.code == 4
    assert "pip install 'edgefkp[train]'" in capsys.readouterr().err
