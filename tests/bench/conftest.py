import pytest

from edgefkp.bench import harness
from edgefkp.bench.plan import cells_of
from edgefkp.bench.result import Result
from tests.bench.test_harness import BRIEF, FLOAT, INT8, labelled


@pytest.fixture(scope="package")
def measured() -> Result:
    """Two tiny files, both modes, two short processes each, on 20 faces of which 19 have labels."""
    return harness.measure(cells_of([FLOAT, INT8]), labelled(), BRIEF, "test")
