"""The errors that a user can cause, and the exit codes of every command."""

FAILED = 1  # the work could not be done
USAGE = 2  # the command line was wrong (click's own code)
GATE = 3  # the work was done, and a limit that the user set is not met
ENVIRONMENT = 4  # a package, a library or the network is missing


def printable(text: str) -> str:
    """`text` with what a terminal would obey, or could not show, as an escape: \\x1b, \\u202e, \\udce4.

    Names and messages may come from a file or a board of somebody else's.
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter in _SHOWN else _escaped(letter) for letter in text)


_SHOWN = "\n\N{NO-BREAK SPACE}"


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")


class EdgefkpError(Exception):
    """An error for people: what was found against what was expected, and what to type next.

    The command line prints it in two lines and exits with `exit_code`.
    """

    exit_code = FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = printable(message)
        self.hint = printable(hint)

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class UsageError(EdgefkpError):
    exit_code = USAGE


class GateError(EdgefkpError):
    exit_code = GATE


class EnvironmentProblem(EdgefkpError):
    exit_code = ENVIRONMENT
