from tests.bench_parts import measured  # noqa: F401
from tests.made_run import result, shown, wide  # noqa: F401
