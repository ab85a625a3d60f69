"""Which operators a runtime knows, up to which version: asked of the runtime itself.

    python -m bench.measure_op_versions RUNTIME TARGET     adds what the installed RUNTIME loads as TARGET

A file with one operator code and an empty graph is loaded for each operator and version. The results are in
edgefkp/export/targets/op_versions.json; a runtime that knows a version knows all before it.
"""

import re
import tempfile
from pathlib import Path
from typing import Any

from bench import run, words_of
from edgefkp.errors import EdgefkpError
from edgefkp.export.targets import TABLE
from edgefkp.files import read_json, write_json
from edgefkp.runtime import interpreters as runtimes
from edgefkp.runtime.graph import IDENTIFIER

HIGHEST = 20  # no operator of today's schema has more versions


def measure(runtime: str) -> dict[str, int]:
    """Operator name -> the highest version that the installed `runtime` loads."""
    from ai_edge_litert import schema_py_generated as schema

    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "one.tflite"
        for number, name in sorted(names.items()):
            known = [version for version in range(1, HIGHEST) if _loads(path, schema, number, version, runtime)]
            if known:
                found[name] = max(known)
    return found


def _loads(path: Path, schema: Any, number: int, version: int, runtime: str) -> bool:
    path.write_bytes(_file(schema, number, version))
    try:
        runtimes.load(path, runtime)
    except EdgefkpError as error:
        if re.search(r" needs \w+ version|custom operator|CUSTOM|out of range", error.message):
            return False
        raise
    return True


def _file(schema: Any, number: int, version: int) -> bytes:
    import flatbuffers

    code = schema.OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode, code.version = number, min(number, 127), version
    subgraph = schema.SubGraphT()
    subgraph.tensors, subgraph.inputs, subgraph.outputs, subgraph.operators = [], [], [], []
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, [code], [subgraph], [schema.BufferT()]
    builder = flatbuffers.Builder(256)
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


def main() -> None:
    words = words_of(__doc__, "runtime", "target")
    runtime, target = words.runtime, words.target
    table = read_json(TABLE) if TABLE.exists() else {}
    operators = measure(runtime)
    table[target] = {"runtime": runtime, "version": runtimes.choose(runtime).version, "operators": operators}
    write_json(TABLE, dict(sorted(table.items())))
    print(f"{TABLE}: {target}, {len(operators)} operators")


if __name__ == "__main__":
    run(main)
