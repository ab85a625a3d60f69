"""Model files: .tflite alone and beside a card, cards, .keras, the face finder's."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from bench.faults import KINDS, Kind, Sample
from bench.faults.calls import command, drawn, samples_of, tiny_model
from bench.faults.mutate import alter_bytes, alter_json, alter_zip, one_of, pick
from edgefkp.errors import EdgefkpError
from edgefkp.files import json_text
from edgefkp.runtime.metadata import NAME, FileMetadata

SCHEMES = ("float32", "dynamic9", "int8", "int8io")


def alter_graph(content: bytes, random: np.random.Generator) -> tuple[bytes, str]:
    """Alter a field of the graph itself: shapes, types, operators, tensors, scales."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content, 0)
    graph = model.subgraphs[0]
    tensor, operator = pick(random, graph.tensors), pick(random, graph.operators)
    number = int(pick(random, (0, -1, 1, 7, 2**31 - 1, 10_000, 3)))
    ways = ("shape", "type", "operator", "wires", "ports", "buffer", "scale", "options", "version", "count", "metadata")
    way = pick(random, ways)
    if way == "shape" and tensor.shape is not None and len(tensor.shape):
        shape = list(tensor.shape)
        shape[int(random.integers(len(shape)))] = number
        tensor.shape = pick(random, (shape, [], shape * 2))
    elif way == "type":
        tensor.type = int(random.integers(0, 18))
    elif way == "operator":
        operator.opcodeIndex = abs(number)
    elif way == "wires":
        operator.inputs = pick(random, ([], [number] * 3, list(operator.inputs)[:1], list(operator.outputs)))
    elif way == "ports":
        ports = pick(random, ([], [number], list(graph.inputs) * 2, list(graph.outputs) + list(graph.inputs)))
        setattr(graph, pick(random, ("inputs", "outputs")), ports)
    elif way == "buffer":
        tensor.buffer = abs(number)
    elif way == "scale":
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale = pick(random, ([], [0.0], [float("nan")], [1e38], [0.1] * 5))
        tensor.quantization.zeroPoint = pick(random, ([], [0], [2**40], [1] * 5))
    elif way == "options":
        for name, value in vars(operator.builtinOptions or object()).items() if operator.builtinOptions else ():
            if isinstance(value, int) and random.random() < 0.5:
                setattr(operator.builtinOptions, name, number)
    elif way == "version":
        code = pick(random, model.operatorCodes)
        code.version, code.builtinCode = pick(random, ((99, code.builtinCode), (1, int(random.integers(0, 220)))))
    elif way == "metadata":
        text, done = alter_json(json_text(FileMetadata("tiny", scheme="float32")).encode(), random)
        entry, buffer = schema.MetadataT(), schema.BufferT()
        entry.name, entry.buffer, buffer.data = NAME, len(model.buffers), np.frombuffer(text, np.uint8)
        model.buffers.append(buffer)
        model.metadata = [entry]
        way = f"metadata: {done},"
    else:
        model.subgraphs = pick(random, ([], [graph, graph]))
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output()), f"{way} {number}"


def points(path: Path) -> np.ndarray:
    from edgefkp.runtime.predictor import open_predictor

    return open_predictor(path).predict(drawn(4)[0])


def inspect_and_predict(path: Path) -> list[Any]:
    """Both, and the reference points of a bundle; refused where all of them refuse it."""
    from edgefkp.bench import bundle, timed_images

    answers: list[Any] = []
    for step in (
        lambda: command("inspect", path),
        lambda: points(path),
        lambda: list(bundle.reference_points([path], timed_images.drawn_images(2))),
    ):
        try:
            answers.append(step())
        except EdgefkpError as error:
            refused = error
    if not answers[1:]:
        raise refused
    return answers


def make_tflite(folder: Path) -> list[Sample]:
    return [Sample(folder / s, tiny_model(folder / s, s, False).name, f"tiny.{s}.tflite") for s in SCHEMES]


def make_for_import(folder: Path) -> list[Sample]:
    return [Sample(folder / s, tiny_model(folder / s, s, False).name, f"tiny.{s}.tflite") for s in ("float32", "int8")]


def make_task(folder: Path) -> list[Sample]:
    with zipfile.ZipFile(folder / "face.task", "w") as archive:
        archive.write(tiny_model(folder / "in"), "face_landmarks_detector.tflite")
    return samples_of(folder, "face.task")


def import_and_predict(path: Path) -> list[Any]:
    from edgefkp.export.imports import import_network

    found = import_network(str(path), path.parent / "imported")
    return [command("inspect", found.path), points(found.path)] if found.keypoints else [command("inspect", found.path)]


def make_with_card(folder: Path) -> list[Sample]:
    return [Sample(folder / s, tiny_model(folder / s, s).name, f"tiny.{s}.tflite") for s in SCHEMES]


def make_card(folder: Path) -> list[Sample]:
    path = tiny_model(folder / "export")
    shipped = Path(__file__).resolve().parents[3] / "edgefkp/runtime/shipped"
    name = "small-masked-online.int8"
    for suffix in (".json", ".tflite"):
        (folder / "export" / f"{name}{suffix}").write_bytes((shipped / f"{name}{suffix}").read_bytes())
    return [Sample(folder, f"export/{path.stem}.json", f"export/{path.name}"),
            Sample(folder, f"export/{name}.json", f"export/{name}.tflite")]  # fmt: skip


def with_card(path: Path) -> list[Any]:
    return [command("models", "--in", path.parents[1]), command("inspect", path), points(path)]


def make_publication(folder: Path) -> list[Sample]:
    """A shipped file, whose card states its terms."""
    shipped = Path(__file__).resolve().parents[3] / "edgefkp/runtime/shipped"
    name = "small-masked-online.int8"
    (folder / "export").mkdir()
    for suffix in (".json", ".tflite"):
        (folder / "export" / f"{name}{suffix}").write_bytes((shipped / f"{name}{suffix}").read_bytes())
    return [Sample(folder, f"export/{name}.json", f"export/{name}.json")]


def publish_dry(path: Path) -> list[Any]:
    from edgefkp.export.publication import gather

    found = gather("small-masked-online", path.parent)
    return [found.terms, [one.file for one in found.files], len(found.front_page) > 0]


def make_keras(folder: Path) -> list[Sample]:
    """A tiny network that TensorFlow makes in a process of its own."""
    from edgefkp.runtime import isolate

    isolate.call(save_tiny_keras, str(folder))
    (folder / "tiny.json").unlink()  # the hash in it would refuse every change before Keras sees it
    return samples_of(folder, "tiny.keras")


def save_tiny_keras(folder: str) -> None:
    import keras

    from edgefkp.card import Card, write_with_card

    keras.utils.set_random_seed(1)
    layers = [
        keras.Input((96, 96, 1)),
        keras.layers.AveragePooling2D(24),
        keras.layers.Flatten(),
        keras.layers.Dense(30, name="keypoints"),
    ]
    network = keras.Sequential(layers)
    write_with_card(Path(folder) / "tiny.keras", Card("network", "tiny"), network.save)


def opened_start(path: Path) -> list[Any]:
    from edgefkp.training.start import find_start, open_start

    start = open_start(find_start(str(path)))
    return [len(start.model.layers), start.facts.license]


def make_inner_card(folder: Path) -> list[Sample]:
    """The card inside a .keras that has none beside it; the rest of the zip stands for a network."""
    folder /= "models"
    folder.mkdir()
    with zipfile.ZipFile(folder / "tiny.keras", "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("edgefkp_card.json", (Path(tiny_model(folder.parent)).with_suffix(".json")).read_text())
    return [Sample(folder.parent, "models/tiny.keras", "models/tiny.keras")]


def list_models(path: Path) -> list[Any]:
    from edgefkp.card import read_card

    listed = command("models", "--in", path.parents[1])
    read_card(path)
    return [len(listed)]


def make_onnx(folder: Path) -> list[Sample]:
    (folder / "tiny.onnx").write_bytes((Path(__file__).parents[3] / "tests/fixtures/tiny.onnx").read_bytes())
    return samples_of(folder, "tiny.onnx")


def make_finder_file(folder: Path) -> list[Sample]:
    """A tiny finder that TensorFlow makes in a process of its own."""
    from edgefkp.runtime import isolate

    isolate.call(save_tiny_finder, str(folder))
    return samples_of(folder, "finder.tflite")


def save_tiny_finder(folder: str) -> None:
    import keras

    from edgefkp.export.convert import ConversionSettings, convert
    from edgefkp.export.schemes import FLOAT
    from edgefkp.networks.finder import make_finder

    keras.utils.set_random_seed(1)
    network = make_finder(64, 96, channels=(4, 4, 4, 4, 4), neck=4)
    (Path(folder) / "finder.tflite").write_bytes(convert(network, ConversionSettings(FLOAT)))


def find_faces(path: Path) -> list[Any]:
    from edgefkp.detect.finders.edge import EdgeFinder

    finder = EdgeFinder(path)
    finder.threshold = finder.threshold_in_windows = 0.0  # every cell is a face: what the file gives is looked at
    return [[[*face.box, face.score] for face in finder.find_in_still(image)] for image in drawn(2)[0]]


alter_tflite = one_of(alter_bytes, alter_graph)
KINDS.add(Kind("tflite", ".tflite: inspect, predict, bundle", make_tflite, alter_tflite, inspect_and_predict, 710))
KINDS.add(
    Kind(
        "tflite beside a card",
        ".tflite whose card stands beside it: predict",
        make_with_card,
        alter_tflite,
        points,
        300,
        guarded=True,
    )
)
KINDS.add(Kind("import", ".tflite: import, inspect, predict", make_for_import, alter_tflite, import_and_predict, 60))
KINDS.add(Kind("card", "card of a .tflite: models, inspect, predict", make_card, alter_json, with_card, 150))
KINDS.add(Kind("publication", "card of a .tflite: publish", make_publication, alter_json, publish_dry, 30))
KINDS.add(
    Kind(
        "keras",
        ".keras: predict",
        make_keras,
        one_of(alter_zip(alter_json, ".json"), alter_zip(alter_bytes), alter_bytes),
        points,
        60,
        seconds=240,  # TensorFlow starts for it in a child process first
        needs="tensorflow",
    )
)
KINDS.add(
    Kind(
        "start",
        ".keras: train --from",
        make_keras,
        one_of(alter_zip(alter_json, ".json"), alter_zip(alter_bytes), alter_bytes),
        opened_start,
        20,
        seconds=240,
        needs="tensorflow",
    )
)
KINDS.add(
    Kind(
        "card in .keras",
        "card inside a .keras: models",
        make_inner_card,
        alter_zip(alter_json, "card"),
        list_models,
        50,
    )
)
KINDS.add(
    Kind("finder", ".tflite of the finder edge", make_finder_file, alter_tflite, find_faces, 80, needs="tensorflow")
)
KINDS.add(
    Kind(
        "onnx", ".onnx: predict, by onnxruntime", make_onnx, alter_bytes, points, 100, needs="onnxruntime", seconds=120
    )
)
KINDS.add(
    Kind(
        "task",
        ".task of MediaPipe: import, inspect, predict",
        make_task,
        one_of(alter_zip(alter_bytes), alter_bytes),
        import_and_predict,
        20,
    )
)
