"""The journal of a search survives whatever ends its writers, and a damaged one is refused."""

import errno
import json

import pytest

from edgefkp.errors import EdgefkpError
from edgefkp.search import journal as module
from edgefkp.search.journal import Journal


def numbered(*numbers: int) -> list[dict[str, int]]:
    return [{"op": number} for number in numbers]


@pytest.fixture
def journal(tmp_path) -> Journal:
    made = Journal(tmp_path / "journal.log")
    made.append_logs(numbered(0, 1))
    return made


def test_what_one_appends_another_reads_from_where_it_was(journal):
    other = Journal(journal.path)
    assert other.read_logs(0) == numbered(0, 1)
    journal.append_logs(numbered(2))
    assert other.read_logs(2) == numbered(2)
    assert other.read_logs(1) == numbered(1, 2)
    assert other.read_logs(3) == []


def test_half_a_line_is_not_read_and_the_next_writer_removes_it(journal):
    with journal.path.open("ab") as stream:
        stream.write(b'{"op": 7')
    assert Journal(journal.path).read_logs(0) == numbered(0, 1)
    journal.append_logs(numbered(2))
    assert [json.loads(line) for line in journal.path.read_text().splitlines()] == numbered(0, 1, 2)


def test_a_batch_is_written_whole_or_not_at_all(journal):
    def stopped() -> None:
        with journal.batch():
            journal.append_logs(numbered(2))
            assert journal.read_logs(2) == numbered(2)  # whoever writes it sees it
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert Journal(journal.path).read_logs(0) == numbered(0, 1)
    with journal.batch():
        journal.append_logs(numbered(2))
        journal.append_logs(numbered(3))
        assert journal.read_logs(3) == numbered(3)
        assert len(journal.path.read_text().splitlines()) == 2
    assert journal.read_logs(4) == []
    assert Journal(journal.path).read_logs(0) == numbered(0, 1, 2, 3)


def test_a_full_disk_leaves_the_file_as_it_was(journal, monkeypatch):
    before = journal.path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", full)
    with pytest.raises(EdgefkpError, match="No space left") as caught:
        journal.append_logs(numbered(2, 3))
    assert "disk with space" in caught.value.hint
    assert journal.path.read_bytes() == before
    monkeypatch.undo()
    journal.append_logs(numbered(2))
    assert journal.read_logs(0) == numbered(0, 1, 2)


@pytest.mark.parametrize("line", [b"{oops}", b"[1]", b"\xff\xfe", b'{"op": 1e999}'])
def test_a_broken_line_is_two_lines_that_name_it(journal, line):
    with journal.path.open("ab") as stream:
        stream.write(line + b"\n")
    with pytest.raises(EdgefkpError, match=r"journal.log, line 3") as caught:
        Journal(journal.path).read_logs(0)
    assert "--name" in caught.value.hint


def test_a_journal_that_was_deleted_meanwhile_is_not_begun_again_in_the_middle(journal):
    journal.read_logs(0)
    journal.path.unlink()
    with pytest.raises(EdgefkpError, match="is gone"):
        journal.append_logs(numbered(2))
    assert not journal.path.exists()
