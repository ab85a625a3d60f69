"""What a command left in its folder, without what differs from run to run."""

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

# Members of a JSON that differ from run to run: times, what was measured, and sizes and hashes of files with times in
# them.
VARYING = {
    "created", "seconds", "sha256", "parent_sha256", "bytes", "plan", "versions", "machine", "load", "board",
    "kernel", "clocks", "ms", "ms_interval", "seconds_per_100", "verdict", "reasons", "notes", "memory_kib",
    "millijoules", "stages", "cpu_seconds", "wall_seconds", "parent_bytes", "keras_bytes", "key", "time",
    "shared_object_id",
}  # fmt: skip


def contents(folder: Path) -> dict[str, Any]:
    """Every file, hidden ones too, with what has to be the same: the members of JSON, the hash of anything else."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): _content(path) for path in files}


def _content(path: Path) -> Any:
    if path.suffix in (".html", ".txt", ".md") or path.name in ("progress.json", "claim", "journal.log"):
        return "times and figures"
    content = path.read_bytes()
    if path.suffix == ".keras":
        with zipfile.ZipFile(path) as archive:
            names = sorted(set(archive.namelist()) - {"metadata.json"})  # when it was saved
            parts = {name: archive.read(name) for name in names}
        return {name: _plain(data) if name.endswith(".json") else _hash(data) for name, data in parts.items()}
    if path.suffix == ".json":
        return _plain(content)
    if path.suffix == ".jsonl":
        return [_plain(line) for line in content.splitlines()]
    return _hash(content)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _plain(content: bytes) -> Any:
    """JSON without what varies; a list of a benchmark's processes stays as its rounds."""

    def without(value: Any) -> Any:
        if isinstance(value, dict) and {"round", "steady"} <= value.keys():
            return value["round"]
        if isinstance(value, dict):
            return {name: without(one) for name, one in value.items() if name not in VARYING}
        return [without(one) for one in value] if isinstance(value, list) else value

    return without(json.loads(content))


def difference(found: dict[str, Any], expected: dict[str, Any]) -> str:
    other = sorted(
        f"{name}{_place(found.get(name), expected[name])}" for name in expected if found.get(name) != expected[name]
    )
    more = sorted(found.keys() - expected.keys())
    if other:
        return f"different: {', '.join(other[:5])}"
    return f"litter: {', '.join(more[:5])}" if more else ""


def _place(found: Any, expected: Any) -> str:
    """Where two values of JSON differ first."""
    if type(found) is type(expected) and isinstance(found, dict | list) and len(found) == len(expected):
        keys = expected if isinstance(expected, dict) else range(len(expected))
        for key in keys:
            if isinstance(found, dict) and key not in found:
                return f" without {key}"
            if found[key] != expected[key]:
                return f" {key}{_place(found[key], expected[key])}"
    return ""
