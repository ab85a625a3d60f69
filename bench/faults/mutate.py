"""Ways to alter a file: bytes, tables, JSON, zips and arrays. All draw from one generator, so a seed repeats them."""

import io
import json
import os
import re
import zipfile
from typing import Any

import numpy as np

from bench.faults import FOREIGN, Mutator

Random = np.random.Generator


def pick(random: Random, choices: Any) -> Any:
    return choices[int(random.integers(len(choices)))]


def one_of(*mutators: Mutator) -> Mutator:
    """Each as often as it is named."""
    return lambda content, random: pick(random, mutators)(content, random)


def alter_bytes(content: bytes, random: Random) -> tuple[bytes, str]:
    """Flip, overwrite, cut, repeat, insert, remove or empty."""
    data = bytearray(content)
    size = max(1, len(data))
    way = pick(random, ("bit", "bits", "word", "cut", "cut", "repeat", "insert", "remove", "head", "rare"))
    place = int(random.integers(size))
    if way in ("bit", "bits"):
        for _ in range(1 if way == "bit" else int(random.integers(2, 64))):
            if data:
                data[int(random.integers(len(data)))] ^= 1 << int(random.integers(8))
    elif way == "word":
        data[place : place + 4] = pick(random, (b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f"))
    elif way == "head":  # where sizes and types stand
        place = int(random.integers(min(size, 64)))
        data[place : place + 4] = random.bytes(4)
    elif way == "cut":
        del data[place:]
    elif way == "repeat":
        data[place:place] = data[place : place + int(random.integers(1, 4096))]
    elif way == "insert":
        data[place:place] = random.bytes(int(random.integers(1, 64)))
    elif way == "remove":
        del data[place : place + int(random.integers(1, 4096))]
    else:
        data = bytearray(pick(random, (b"", b"\0", b"\n", random.bytes(300), b"\xff\xfe" + content[:200])))
    return bytes(data), f"{way} at {place}"


def strange_values() -> list[Any]:
    """JSON values that a field does not expect."""
    deep: Any = 1
    for _ in range(50):
        deep = [deep]
    foreign = os.environ.get(FOREIGN, "/nowhere")
    return [
        None, True, False, 0, -1, 1, 2, 2.5, -0.0, 1e-320, 1e39, 1e308, 10**9, 10**30, "", "x", "1", "nan", "\ud800",
        "../../x", "/dev/zero", "/", foreign, f"{foreign}.so", "\x1b[31mred\x1b]0;t\x07", "<script>", "=cmd()",
        "x" * 10_000, "a\0b", [], [[]], [1, 2, 3], {}, {"": {}}, deep, ["x"] * 1000, float("nan"), float("inf"),
    ]  # fmt: skip


STRANGE_TEXTS = (
    b"", b"[]", b"null", b"{}", b"1", b'"x"', b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5_000, b"NaN",
    b"\xef\xbb\xbf{}", b'{"schema": 1}', b"\xff\xfe{\0}\0", b"{'a': 1}", b'{"a": 1,}', b"\x80abc",
)  # fmt: skip


def alter_json(content: bytes, random: Random) -> tuple[bytes, str]:
    """Replace, remove, add or rename a value, or the whole text."""
    if random.random() < 0.12:
        return alter_bytes(content, random)
    if random.random() < 0.1:
        text = pick(random, STRANGE_TEXTS)
        return text, f"the whole text: {text[:20]!r}"
    tree = json.loads(content)
    done = []
    for _ in range(1 if random.random() < 0.8 else 3):
        done.append(_alter_tree(tree, random))
    return json.dumps(tree).encode(), "; ".join(done)


def _alter_tree(tree: Any, random: Random) -> str:
    """Go down at random, and alter one member of where that ends."""
    node, path = tree, ""
    while True:
        keys = list(node) if isinstance(node, dict) else range(len(node))
        if not keys:
            return "nothing"
        key = pick(random, keys)
        below = node[key]
        path += f".{key}"
        if not (isinstance(below, dict | list) and below) or random.random() < 0.25:
            break
        node = below
    way = random.random()
    if way < 0.15:
        del node[key]
        return f"without {path}"
    if way < 0.25 and isinstance(node, dict):
        node[f"{key}x"] = pick(random, strange_values())
        return f"{path}x is new"
    if way < 0.4 and isinstance(below, int | float) and not isinstance(below, bool):
        node[key] = pick(random, (-below, below * 1000, below + 1, below * 1e300, str(below)))
    elif way < 0.5:
        node[key] = pick(random, ([below], {"x": below}, [below] * 3))
    else:
        node[key] = pick(random, strange_values())
    return f"{path} = {str(node[key])[:40]!r}"


_CELLS = (
    "",
    "x",
    "nan",
    "inf",
    "1e39",
    "1e30",
    "-1",
    "1_0",
    "0x10",
    "1e999",
    '"',
    "a,b",
    "\0",
    "९",
    "9" * 400,
    " 5 ",
    "NULL",
)


def alter_table(content: bytes, random: Random) -> tuple[bytes, str]:
    """Alter a cell, a row, a column's name or the bytes of a CSV."""
    way = pick(random, ("cell", "cell", "cell", "head", "row", "row", "column", "bytes", "bytes", "text"))
    lines = content.split(b"\n")
    number = 0 if way == "head" else int(random.integers(len(lines)))
    cells = lines[number].split(b",")
    column = int(random.integers(len(cells)))
    if way in ("cell", "head"):
        words = cells[column].split(b" ")
        words[int(random.integers(len(words)))] = pick(random, _CELLS).encode()
        cells[column] = b" ".join(words)
    elif way == "row":
        lines[number:number] = pick(random, ([], [lines[number]], [b""], [lines[0]]))
        del lines[number + 1 : number + 1 + int(random.integers(2))]
        return b"\n".join(lines), f"rows at {number}"
    elif way == "column":
        cells[column : column + 1] = pick(random, ([], [cells[column]] * 2, [b""]))
    elif way == "bytes":
        return alter_bytes(content, random)
    else:
        encoding = pick(random, ("utf-16", "utf-8-sig", "latin-1"))
        text = content.decode("latin-1")
        return (text.replace("\n", pick(random, ("\r", "\r\n", "\n\n"))) + "é").encode(encoding), f"text as {encoding}"
    lines[number] = b",".join(cells)
    return b"\n".join(lines), f"{way} {column} of line {number}: {cells[column : column + 1]!r:.60}"


_WORD = re.compile(r"[^\s<>=\"/;,{}\[\]]+")


def alter_words(content: bytes, random: Random) -> tuple[bytes, str]:
    """Replace, move, repeat or remove one to three words of a text, whatever stands between them."""
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
    text, done = content.decode(encoding), []
    for _ in range(1 if random.random() < 0.7 else 3):
        words = list(_WORD.finditer(text))
        word, other = pick(random, words), pick(random, words)
        new = pick(random, (pick(random, _CELLS), other[0], f"{word[0]} {word[0]}", "", f"-{word[0]}", f"{word[0]}0"))
        text = text[: word.start()] + new + text[word.end() :]
        done.append(f"{word[0]:.20} -> {new:.20}")
    return text.encode(encoding), "; ".join(done)


def alter_array(content: bytes, random: Random) -> tuple[bytes, str]:
    """Alter the header or the values of a .npy."""
    try:
        array = np.load(io.BytesIO(content))
    except (ValueError, OSError):
        return alter_bytes(content, random)
    way = pick(random, ("header", "header", "values", "shape", "type", "object", "bytes"))
    if way == "header":
        shape, dtype = pick(
            random,
            (
                ("(1000000000000,)", "<f8"), ("(-1,)", "<f4"), ("(2, 99999)", "<f4"), ("()", "<f4"), ("(3,)", "|O"),
                ("(3,", "<f4"), ("(1, 2", "|V1000000000000"), ("(10,)", "<U1000000"), ("(0,)", "<f4"), ("x", "y"),
                ("(2,)", "<M8[ns]"), ("(True,)", "<f4"), ("(10**9,)", "|S9"),
            ),
        )  # fmt: skip
        text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
        return b"\x93NUMPY\x01\0\x76\0" + text.encode() + array.tobytes()[:4096], f"header {shape} {dtype}"
    if way == "bytes" or not array.size:
        return alter_bytes(content, random)
    if way == "object":
        array = np.array([{"a": 1}], object)
    elif way == "type":
        array = (
            array.astype(pick(random, ("<f8", "<i8", "<U9", "|S3", "<c16", "?", "<f2")))
            if array.dtype != object
            else array
        )
    elif way == "shape":
        array = pick(random, (np.atleast_1d(array)[:0], np.atleast_1d(array)[:1], array[None], array.ravel(), array.T))
    elif array.dtype.kind in "fiu":
        wide = array.astype(np.float64) if array.dtype.kind == "f" else array.copy()
        value = pick(random, (np.nan, np.inf, 1e39, 1e30, -5.0)) if wide.dtype.kind == "f" else 255
        wide.flat[int(random.integers(wide.size))] = value
        array = wide
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue(), f"{way}: {array.dtype} {array.shape}"


BOMB = 300  # MiB that a zip of 300 KiB unpacks to


def alter_zip(inside: Mutator, only: str = "") -> Mutator:
    """Alter a zip, or a member of it by `inside`. only: members whose names contain this."""

    def alter(content: bytes, random: Random) -> tuple[bytes, str]:
        ways = ("member", "member", "member", "without", "name", "packed", "flags", "size", "bytes", "bomb")
        way = pick(random, ways)
        if way == "bytes":
            return alter_bytes(content, random)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {info.filename: archive.read(info) for info in archive.infolist()}
        name = pick(random, [one for one in members if only in one] or list(members))
        method, what = zipfile.ZIP_DEFLATED, ""
        if way == "member":
            members[name], what = inside(members[name], random)
        elif way == "without":
            del members[name]
        elif way == "name":
            other = pick(random, ("../../x", "/x", "x\\y", " ", "ä" * 200, f"{name}x", "a/../b", "\x1b[31m"))
            members[other] = members.pop(name)
            what = repr(other[:20])
        elif way == "bomb":
            what = pick(random, (name, f"{name}.more"))
            members.pop(what, None)
        elif way == "packed":
            method = pick(random, (zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2, zipfile.ZIP_STORED))
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", method) as archive:
            for member, data in members.items():
                archive.writestr(zipfile.ZipInfo(member), data, method)  # without the time: a seed makes it again
            if way == "bomb":
                bomb = zipfile.ZipInfo(what)
                bomb.compress_type = method
                with archive.open(bomb, "w", force_zip64=True) as zeros:
                    for _ in range(BOMB):
                        zeros.write(bytes(1 << 20))
        data = bytearray(stream.getvalue())
        start = data.find(b"PK\x01\x02")  # the directory's first entry
        if way == "flags" and start >= 0:
            data[start + 8] |= 1  # encrypted
        elif way == "size" and start >= 0:
            field = pick(random, (10, 20, 24, 42))  # method, packed size, size, place
            data[start + field : start + field + 4] = random.bytes(4) if field != 10 else b"\x63\0\0\0"
        elif way == "packed":
            place = int(random.integers(30, max(31, len(data) // 2)))
            data[place : place + 8] = random.bytes(8)
        return bytes(data), f"{way} {name} {what}"

    return alter


def alter_archive(content: bytes, random: Random) -> tuple[bytes, str]:
    """Alter an .npz."""
    return alter_zip(one_of(alter_array, alter_array, alter_bytes))(content, random)
