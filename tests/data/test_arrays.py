"""The reader of .npz files takes what it understands, and nothing else."""

import io
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgefkp.data.arrays import read_arrays, text_of, write_arrays
from edgefkp.errors import EdgefkpError
from tests.mutations import damaged, reads_or_refuses

GOOD = {"numbers": np.arange(12, dtype=np.float32).reshape(3, 4), "names": np.array(["a", "bc"])}


def npz(compressed: bool) -> bytes:
    content = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(content, **GOOD)  # type: ignore[arg-type]
    return content.getvalue()


def member(shape: str, kind: str, content: bytes = b"") -> bytes:
    """An .npz with one array whose header is made up."""
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + content)
    return whole.getvalue()


def test_what_was_written_is_read(tmp_path):
    for compressed in (False, True):
        stored = read_arrays(write_arrays(tmp_path / "a.npz", GOOD, compressed), "")
        assert all(np.array_equal(stored[name], array) for name, array in GOOD.items())
    np.save(tmp_path / "a.npy", GOOD["numbers"])
    assert np.array_equal(read_arrays(tmp_path / "a.npy", "")[""], GOOD["numbers"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (member("(1000000000000,)", "<f8"), r"shape \(1000000000000,\) in \d+ bytes"),
        (member("(-3,)", "<f8", bytes(80)), "shape"),
        (member("(1000000000000000,)", "<U0"), "not of numbers or text"),
        (member("(3,)", "|O", bytes(80)), "not of numbers or text"),
        (member("(3,)", "<M8[s]", bytes(80)), "not of numbers or text"),
        (member("(", "<f8"), "not a whole"),
        (member("(3,)", "<f9"), "not a whole"),
        (member("(1,)", "<U1", b"\0\0\x11\0"), "text that has no such letters"),
        (member("(1,)", ">U1", b"\0\x11\0\0"), "text that has no such letters"),
    ],
)
def test_a_header_that_promises_too_much_is_refused(tmp_path, content, message):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(EdgefkpError, match=message) as caught:
        read_arrays(tmp_path / "a.npz", "make it again")
    assert caught.value.hint == "make it again"


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2, zipfile.ZIP_DEFLATED])
def test_damage_in_any_compression_is_refused(tmp_path, method):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        archive.writestr("a.npy", bytes(1000))
    broken = bytearray(content.getvalue())
    broken[35:50] = b"\xff" * 15
    (tmp_path / "a.npz").write_bytes(broken)
    with pytest.raises(EdgefkpError, match="not a whole"):
        read_arrays(tmp_path / "a.npz", "")


def test_a_member_that_is_no_array_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("images.txt", "text")
    with pytest.raises(EdgefkpError, match=r"images\.txt is no \.npy"):
        read_arrays(tmp_path / "a.npz", "")


def test_a_small_file_that_unpacks_to_much_is_refused(tmp_path):
    path = write_arrays(tmp_path / "a.npz", {"zeros": np.zeros(1 << 22, np.uint8)}, compressed=True)
    with pytest.raises(EdgefkpError, match="unpacks to 4,194,"):
        read_arrays(path, "", largest=1 << 20)
    assert len(read_arrays(path, "")["zeros"]) == 1 << 22


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "/", "\0", "x" * 300 + ".npz", "missing.npz"])
def test_what_is_no_file_is_refused(path):
    with pytest.raises(EdgefkpError):
        read_arrays(path, "")


def test_bytes_that_are_no_text_do_not_stop_names():
    assert list(text_of(np.array([b"\xff", b"a"]))) == ["\N{REPLACEMENT CHARACTER}", "a"]
    assert list(text_of(np.array([1, 2]))) == ["1", "2"]


@pytest.mark.parametrize("order", "<>")
def test_letters_of_every_script_are_text(tmp_path, order):
    names = np.array(["ä", "\N{CJK UNIFIED IDEOGRAPH-4E00}", "\N{GRINNING FACE}"], f"{order}U1")
    assert list(read_arrays(write_arrays(tmp_path / "a.npz", {"names": names}), "")["names"]) == list(names)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.one_of(damaged(npz(False)), damaged(npz(True))))
def test_any_bytes_are_read_or_refused(tmp_path, content):
    def read(path):
        for array in read_arrays(path, "").values():
            text_of(array)

    reads_or_refuses(read, tmp_path / "a.npz", content)
