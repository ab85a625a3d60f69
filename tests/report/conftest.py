from tests.bench_parts import measured  # noqa: F401
from tests.made_run import result, sheet, wide  # noqa: F401
