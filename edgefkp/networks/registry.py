"""Every network by name, in the order of the paper's Table 1, then our own, then the paper's rivals."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.files import read_json
from edgefkp.networks.ours import plain
from edgefkp.networks.paper import blocks, tuned
from edgefkp.networks.prior_work import gao_cnn, inception_structure, naimishnet, residual, shi_cnn
from edgefkp.networks.tensorflow import require_tensorflow
from edgefkp.networks.transfer import transfer

BASELINE = ((32, 32), (64, 64), (128, 128), (128, 128), (64, 64))
MANUAL = ((64,), (128,), (48,), (24,), (24,))

NANO = {"channels": (16, 32, 48, 48, 64, 56), "strides": (2, 2, 2, 1, 1, 1), "head": "argmax", "maps": 32}
SMALL = {
    "channels": (24, 48, 64, 64, 96, 96, 96),
    "strides": (2, 2, 2, 1, 2, 1, 1),
    "head": "pyramid",
    "maps": 64,
}
BEST = {
    "channels": (32, 64, 64, 128, 128, 128, 256, 256, 256),
    "strides": (2, 2, 1, 2, 1, 1, 2, 1, 1),
    "residual": 1,
    "head": "pyramid",
    "maps": 64,
}


@dataclass(frozen=True)
class Network:
    """title: the row of Table 1, or ours. paper_parameters: the total that the paper prints, None where it has none.

    parameters: what the network built here has, where that is not the paper's number (PAPER.md, Table 1).
    pretrained: takes --weights.
    """

    name: str
    title: str
    make: Callable[..., Any]
    options: dict[str, Any] = field(default_factory=dict)
    paper_parameters: int | None = None
    paper_megabytes: float | None = None
    pretrained: bool = False

    @property
    def from_paper(self) -> bool:
        return self.paper_parameters is not None

    @property
    def frozen(self) -> bool:
        """Only the head learns."""
        return bool(self.options.get("frozen"))


def _tuned(kernels: tuple[int, ...], filters: tuple[int, ...]) -> dict[str, Any]:
    return {"kernels": kernels, "filters": filters}


_MOBILENET = {"application": "MobileNetV2", "alpha": 1.0}
_NASNET = {"application": "NASNetMobile", "resolution": 224}

NETWORKS = {
    network.name: network
    for network in (
        Network(
            "baseline",
            "Baseline CNN",
            blocks,
            {"filters": BASELINE, "dense": 512, "dense_activation": "linear"},
            1_890_366,
            7.6,
        ),
        Network(
            "manual",
            "Manually optimized CNN",
            blocks,
            {"filters": MANUAL, "dense": 100, "dense_activation": "relu"},
            235_834,
            1.0,
        ),
        Network(
            "tuned_drop", "Keras tuned, no imputation", tuned, _tuned((5, 5, 3, 5), (64, 48, 48, 48)), 306_750, 1.27
        ),
        Network(
            "tuned_ffill", "Keras tuned, forward fill", tuned, _tuned((5, 3, 3, 5), (80, 32, 48, 48)), 246_478, 1.03
        ),
        # The paper prints 246,062 for this row, the trainable count of the forward-fill network. This point of the
        # same space has 383,742 and is the one that fits the row's own size and time.
        Network("tuned_knn", "Keras tuned, KNN imputed", tuned, _tuned((3, 5, 5, 3), (96, 48, 48, 48)), 246_062, 1.58),
        Network(
            "tuned_augment", "Keras tuned, augmentation", tuned, _tuned((3, 5, 5, 3), (80, 48, 48, 48)), 364_318, 1.50
        ),
        # The paper's count of this row leaves the head out (38,430 more with it).
        Network("mobilenetv2", "MobileNetV2, fine-tuned", transfer, _MOBILENET, 2_257_984, 9.66, True),
        Network(
            "mobilenetv2_frozen", "MobileNetV2, frozen", transfer, {**_MOBILENET, "frozen": True}, 2_257_984, 9.66, True
        ),
        Network("nasnetmobile", "NASNetMobile, fine-tuned", transfer, _NASNET, 4_301_426, 18.48, True),
        Network(
            "nasnetmobile_frozen", "NASNetMobile, frozen", transfer, {**_NASNET, "frozen": True}, 4_301_426, 18.48, True
        ),
        # Ours: the largest structures within their size and time (docs/MODELS.md).
        Network("nano", "Ours, to 120 KB", plain, NANO),
        Network("small", "Ours, to 350 KB", plain, SMALL),
        Network("best", "Ours, to 3 MB", plain, BEST),
        # What the paper compares with (rivals.py), and the transfer model of section 3 that its tables leave out.
        Network("naimishnet", "NaimishNet, 2017", naimishnet),
        Network("inception", "Inception structure, 2016", inception_structure),
        Network("residual", "Residual, missing labels, 2018", residual),
        Network("shi", "Shi's CNN, 2017", shi_cnn),
        Network("gao", "Gao's 14-layer CNN, 2018", gao_cnn),
        Network("resnet50", "ResNet50, fine-tuned", transfer, {"application": "ResNet50"}, pretrained=True),
    )
}


def resolve(name: str, treatment: str, augment: str) -> Network:
    """The network called `name`; "tuned" is the one that was tuned for the treatment, `tuned_augment` for `masked`.

    A name that ends in .json is a file that `edgefkp tune` wrote.
    Raises UsageError for an unknown name, with the nearest ones.
    """
    if name.endswith(".json"):
        return read_point(name)
    if name == "tuned":
        suffix = "augment" if augment == "paper" or treatment == "masked" else treatment
        return NETWORKS[f"tuned_{suffix}"]
    if name not in NETWORKS:
        import difflib

        close = difflib.get_close_matches(name, [*NETWORKS, "tuned"], n=3, cutoff=0.5)
        raise UsageError(
            f"unknown network '{name}'",
            f"did you mean {' or '.join(close)}?" if close else f"networks: {', '.join([*NETWORKS, 'tuned'])}",
        )
    return NETWORKS[name]


# The spaces that `edgefkp tune` searches: any point of them is a network.
SPACES: dict[str, Callable[..., Any]] = {"tuned": tuned, "plain": plain}


def read_point(path: str) -> Network:
    """The network in a .json file: {"name", "space": one of SPACES, "options"}.

    Raises EdgefkpError for a file that is not of this form.
    """
    stored = read_json(path)
    try:
        name, make = str(stored["name"]), SPACES[stored["space"]]
        options = {key: _option(value) for key, value in stored["options"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EdgefkpError(
            f"{path} is not a network: {type(error).__name__} {error}", "give a .json that edgefkp tune wrote"
        ) from error
    return Network(name, "found by edgefkp tune", make, options)


def _option(value: Any) -> Any:
    """A word or a number as it is, a list of numbers as a tuple."""
    return value if isinstance(value, str | int) else tuple(int(number) for number in value)


def build(network: Network, weights: str | None = None, **changes: Any) -> Any:
    """A new keras.Model of `network`; `changes` override its options (resolution=96).

    weights: for pretrained networks None, "imagenet" or a path. Raises EnvironmentProblem without TensorFlow.
    """
    require_tensorflow("building a network")
    options = {**network.options, **changes}
    if network.pretrained:
        options["weights"] = weights
    elif weights is not None:
        raise UsageError(f"'{network.name}' has no pretrained weights", "leave --weights away")
    return network.make(**options)
