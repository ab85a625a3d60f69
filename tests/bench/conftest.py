from tests.bench_parts import measured  # noqa: F401
