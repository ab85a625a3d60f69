"""The errors that a user can cause, and the exit codes of every command."""

FAILED = 1  # the work could not be done
USAGE = 2  # the command line was wrong (click's own code)
GATE = 3  # the work was done, and a limit that the user set is not met
ENVIRONMENT = 4  # a package, a library or the network is missing


class EdgefkpError(Exception):
    """An error for people: what was found against what was expected, and what to type next.

    The command line prints it in two lines and exits with `exit_code`.
    """

    exit_code = FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class UsageError(EdgefkpError):
    exit_code = USAGE


class GateError(EdgefkpError):
    exit_code = GATE


class EnvironmentProblem(EdgefkpError):
    exit_code = ENVIRONMENT
