from tests.made_run import result  # noqa: F401
