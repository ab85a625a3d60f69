from tests.bench_parts import measured  # noqa: F401
from tests.ssh_server import server  # noqa: F401
