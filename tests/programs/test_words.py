"""What every program of bench/ does with its words."""

import re
from pathlib import Path

import bench


def test_no_program_works_before_its_words_are_read():
    programs = [path for path in Path(bench.__path__[0]).rglob("*.py") if "__main__" in path.read_text()]
    assert len(programs) > 30
    for path in programs:
        assert re.search(r"ArgumentParser\(|click\.command|click\.group|words_of\(", path.read_text()), path
