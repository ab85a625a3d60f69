import pytest


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path_factory):
    """No test reads or fills the user's cache."""
    monkeypatch.setenv("EDGEFKP_CACHE", str(tmp_path_factory.mktemp("cache")))
