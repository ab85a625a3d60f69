"""How long bench and bundle measure: the options that both take."""

from typing import Any

import click


def timing_options(command: Any) -> Any:
    """How a benchmark measures: --images, --threads, --mode, --quick, --processes, --seconds."""
    from edgefkp.bench.plan import FULL, MODES, MOST_PROCESSES, MOST_SECONDS
    from edgefkp.runtime.packages import MOST_THREADS

    for option in (
        click.option(
            "--seconds",
            type=click.FloatRange(0, MOST_SECONDS, min_open=True),
            help=f"Measured seconds per process, after the warm-up. [default: {FULL.seconds:g}]",
        ),
        click.option(
            "--processes",
            type=click.IntRange(1, MOST_PROCESSES),
            help=f"Fresh processes per configuration. [default: {FULL.processes}]",
        ),
        click.option(
            "--quick", is_flag=True, help="Run two short processes per configuration: a quick look, wide intervals."
        ),
        click.option(
            "--mode",
            "modes",
            multiple=True,
            type=click.Choice(list(MODES)),
            help="Time the interpreter alone, or from a camera-like frame to keypoints (needs OpenCV). [default: both]",
        ),
        click.option(
            "--threads",
            multiple=True,
            type=click.IntRange(1, MOST_THREADS),
            help="Threads of the runtime; may be repeated. [default: 1]",
        ),
        click.option(
            "--images",
            type=click.IntRange(1, 10_000),
            default=100,
            show_default=True,
            help="Number of different faces to time and score on.",
        ),
    ):
        command = option(command)
    return command
