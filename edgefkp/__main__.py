"""The program: `edgefkp`, or `python -m edgefkp`."""

from edgefkp.runtime import signals, supervisor


def main() -> None:
    with signals.leaving_at_once():
        supervisor.divide()
        from edgefkp.cli import main as run
    signals.unwind_on_signals()
    run()


if __name__ == "__main__":
    main()
