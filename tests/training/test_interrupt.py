"""Ctrl-C is held to where the block asks for it; a second one is not."""

import signal
import threading

import pytest

from edgefkp.training.interrupt import deferred_sigint


@pytest.fixture(autouse=True)
def handler():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


def block(steps: str, done: list[str]) -> None:
    """Steps by letter: c checks, i interrupts, e fails; what was got over is added to `done`."""
    with deferred_sigint() as raise_held:
        for step in steps:
            if step == "e":
                raise ValueError("mine")
            if step == "i":
                signal.raise_signal(signal.SIGINT)
            else:
                raise_held()
            done.append(step)


@pytest.mark.parametrize(
    ("steps", "got_over"),
    [
        pytest.param("cicc", "ci", id="the first waits for the check"),
        pytest.param("ci", "ci", id="one that met no check comes at the end"),
        pytest.param("iic", "i", id="the second comes at once"),
    ],
)
def test_when_it_comes(steps, got_over):
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        block(steps, done)
    assert "".join(done) == got_over


def test_without_one_the_block_runs_through():
    done: list[str] = []
    block("ccc", done)
    assert "".join(done) == "ccc"


def test_an_error_of_the_block_is_what_is_raised():
    with pytest.raises(ValueError, match="mine"):
        block("ie", [])


def test_elsewhere_nothing_is_held():
    def body() -> None:
        with deferred_sigint() as raise_held:
            raise_held()
            seen.append(signal.getsignal(signal.SIGINT))

    seen: list[object] = []
    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]
