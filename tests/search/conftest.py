from tests.ssh_server import server  # noqa: F401
