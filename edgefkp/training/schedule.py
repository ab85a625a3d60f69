"""What of a trained network learns from faces of its user's own."""

UNTOUCHED = "untouched"  # the start as it is
AUTO = "auto"
HEAD, ALL = "head", "all"
SCHEDULES = {
    AUTO: "what scores best on persons that were left out",
    HEAD: "only the last layer learns, by least squares held near the start",
    ALL: "the last layer as under head, then every layer by the recipe",
}
FEW = 100  # faces: below, none is left out to choose by; only the head learns, judged by cross-validation over persons
