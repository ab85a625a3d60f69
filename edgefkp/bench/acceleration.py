"""How a file ran on an accelerator or a delegate, as a result stores it."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Acceleration:
    """As it was found before the timed processes."""

    # The accelerator, or the file name of the delegate.
    on: str
    # Every operator runs on it; None where the runtime does not report it.
    fully: bool | None = None
    # The adapter that the runtime chose; "" if it names none.
    adapter: str = ""
    # All adapters that Vulkan lists, in words.
    adapters: list[str] = field(default_factory=list)
    # Those of `adapters` that compute on the CPU.
    software: list[str] = field(default_factory=list)
    # Largest difference from the file's points on the CPU (from the reference vectors of a shipped file) at the first
    # inference, and from the fiftieth one on: pixels, or the share of the outputs for a file that is no keypoint
    # network.
    first: float = 0.0
    later: float = 0.0
    pixels: bool = True
    # The file computes something else there by design: activations that the CPU rounds to integers stay floats.
    another_network: bool = False

    @property
    def worst(self) -> float:
        return max(self.first, self.later)

    def words(self, difference: float) -> str:
        return f"{difference:.2g} px" if self.pixels else f"{100 * difference:.2g} % of the outputs"
