from tests.bench_parts import measured  # noqa: F401
from tests.made_run import compared, result, shown, tuned_result, wide  # noqa: F401
