"""The own face finder: its photos (photos.py), drawn scenes (scenes.py), training (train.py) and files (export.py).

    python -m bench.finder.photos --lfw FOLDER --persons full_labels.npz --persons lfw_extra.npz --data lfw-kaggle \\
        --free-faces FOLDER --backgrounds FOLDER --teacher YUNET.onnx --out photos.npz
    python -m bench.finder.train --photos photos.npz --out FOLDER --scenes 400000     (again: to resume)
    python -m bench.finder.export --checkpoint FOLDER/finder.npz --photos photos.npz --out FOLDER
    python -m bench.finder.judge --photos photos.npz --finder edge:FOLDER/edge.int8.tflite --finder haar
"""
