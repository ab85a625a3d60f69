"""While somebody measures nobody computes, and nobody waits for a process that has ended."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from edgefkp.search.turns import Turns


def until(true: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.005)
    return true()


def test_a_measurement_is_alone_and_trainings_go_on_after_it(tmp_path):
    computing, seen, end = [0, 0], [], threading.Event()
    steps = [0, 0]

    def train(number: int) -> None:
        turns = Turns(tmp_path)
        with turns.working():
            while not end.is_set():
                computing[number] = 1
                time.sleep(0.001)
                computing[number] = 0
                steps[number] += 1
                turns.give_way()

    threads = [threading.Thread(target=train, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    assert until(lambda: min(steps) > 3)
    turns = Turns(tmp_path)
    with turns.working(), turns.measuring(here=True):
        before = list(steps)
        for _ in range(20):
            seen.append(sum(computing))
            time.sleep(0.002)
        assert steps == before
    assert seen == [0] * 20
    assert until(lambda: min(steps) > max(before) + 3)
    end.set()
    for thread in threads:
        thread.join()


def test_on_another_machine_one_candidate_is_timed_at_a_time_while_others_train(tmp_path):
    first, second, trained = Turns(tmp_path), Turns(tmp_path), Turns(tmp_path)
    entered = threading.Event()

    def measure() -> None:
        with second.working(), second.measuring(here=False):
            entered.set()

    with trained.working(), first.working(), first.measuring(here=False):
        trained.give_way()
        thread = threading.Thread(target=measure)
        thread.start()
        assert not entered.wait(0.1)
    thread.join()
    assert entered.is_set()


def test_a_killed_process_holds_nobody_up(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from edgefkp.search.turns import Turns\n"
        "t = Turns(Path(sys.argv[1]))\n"
        "with t.working(), t.measuring(True): print('held', flush=True); time.sleep(600)"
    )
    root = Path(__file__).parents[2]
    held = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, cwd=root)
    assert held.stdout is not None
    assert held.stdout.readline() == b"held\n"
    held.kill()
    held.wait()
    with Turns(tmp_path).working():
        pass
