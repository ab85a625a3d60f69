"""Check the output of `edgefkp run --json` against what the project promises: check_run.py RESULT.json REPORT.html"""

import json
import re
import sys
from pathlib import Path

LIMIT = 2.2  # px, for `small` on the sample's ten held-out persons

result = json.loads(Path(sys.argv[1]).read_text())
report = Path(sys.argv[2]).read_text()
(small,) = result["models"]
scores = {"keras": small["rmse"], **{file["scheme"]: file["rmse"] for file in small["files"]}}
print("RMSE in px:", {**scores, "mean shape": result["mean_shape_rmse"]})
assert scores.keys() == {"keras", "float32", "int8"}, scores.keys()
assert max(scores.values()) <= LIMIT, f"the RMSE exceeds {LIMIT} px"
assert "</html>" in report
# The page fetches nothing. XML namespaces in the figures and random letters in base64 images are not requests.
assert not re.search(r"""(src|href|url)\s*[=(]\s*["']?(https?:)?//""", report)
