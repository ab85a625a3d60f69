"""What a command left in its folder, without what differs from run to run."""

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

# Members of a JSON that differ from run to run: times, what was measured, and hashes of files with times in them.
VARYING = {
    "created", "seconds", "sha256", "parent_sha256", "bytes", "plan", "versions", "machine", "load", "board",
    "kernel", "clocks", "ms", "ms_interval", "seconds_per_100", "verdict", "reasons", "notes", "memory_kib",
    "millijoules", "stages", "cpu_seconds", "wall_seconds", "parent_bytes", "key", "shared_object_id", "time",
}  # fmt: skip


def contents(folder: Path) -> dict[str, str]:
    """Every file, hidden ones too, with a hash of what has to be the same."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): _hash(path) for path in files}


def _hash(path: Path) -> str:
    if path.suffix in (".html", ".txt", ".md") or path.name in ("progress.json", "claim"):
        return "times and figures"
    content = path.read_bytes()
    if path.suffix == ".keras":
        with zipfile.ZipFile(path) as archive:
            names = sorted(set(archive.namelist()) - {"metadata.json"})  # when it was saved
            parts = {name: archive.read(name) for name in names}
        inner = {name: _plain(data) if name.endswith(".json") else data.hex() for name, data in parts.items()}
        content = json.dumps(inner).encode()
    elif path.suffix == ".json":
        content = json.dumps(_plain(content)).encode()
    elif path.suffix == ".jsonl":
        content = json.dumps([_plain(line) for line in content.splitlines()]).encode()
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


def difference(found: dict[str, str], expected: dict[str, str]) -> str:
    other = sorted(name for name in expected if found.get(name) != expected[name])
    more = sorted(found.keys() - expected.keys())
    if other:
        return f"different: {', '.join(other[:5])}"
    return f"litter: {', '.join(more[:5])}" if more else ""
