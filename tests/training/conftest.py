from tests.tiny_network import tiny, trained_tiny  # noqa: F401
