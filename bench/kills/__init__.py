"""Kill commands at random moments, type them again, and compare the end with an undisturbed run.

    python -m bench.kills [--count N] [--seed S] [--only COMMAND]

Each command works in a folder of its own. SIGKILL ends it at a moment drawn from the time that the undisturbed run
took; its children have to end by themselves; then the same command is typed until it finishes. The same files have to
stand there with the same bytes, apart from times, names and what depends on them; nothing else may be left.
"""
