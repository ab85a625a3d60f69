"""What a measurement ran on, as it is named on the command line and in every stored result."""

from dataclasses import asdict, dataclass
from typing import Any

CPU = "cpu"


@dataclass(frozen=True)
class Device:
    """Stored as its name alone if that determines it, as in every result of earlier versions."""

    name: str  # as in --device
    kind: str = ""  # one of devices.DEVICES; "" for what the name begins with
    accelerator: str = CPU  # what computes on it

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", self.kind or _kind_of(self.name))

    @property
    def short(self) -> str:
        """The name without its kind: ssh://pi@board is pi@board."""
        return self.name.removeprefix(f"{self.kind}://")

    @property
    def plain(self) -> str:
        """For a file's name: ssh://pi@board:22 is pi-board-22."""
        return "".join(letter if letter.isalnum() or letter == "." else "-" for letter in self.short)

    def to_json(self) -> Any:
        return self.name if self == Device(self.name) else asdict(self)

    @classmethod
    def from_json(cls, value: Any) -> "Device":
        """From a name or a whole definition. Raises ValueError for anything else."""
        if isinstance(value, str):
            return cls(value)
        if not isinstance(value, dict) or not isinstance(value.get("name"), str):
            raise ValueError("a device is a name, or an object with name, kind and accelerator")
        return cls(value["name"], str(value.get("kind", "")), str(value.get("accelerator", CPU)))

    def __str__(self) -> str:
        return self.name


def _kind_of(name: str) -> str:
    return name.partition("://")[0]
