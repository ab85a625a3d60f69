"""The built-in layouts as a drawing, with lines and numbers: python -m bench.draw_layouts docs/layouts.svg"""

from pathlib import Path

from bench import words_of
from edgefkp.files import write_text
from edgefkp.layout import LAYOUTS, PointLayout, side_of

SIDE, HEAD = 420, 28  # pixels of a crop, and of the name above it
NUMBERED = 100  # points at most of a layout that is drawn with numbers
COLORS = {"left": "#b35900", "right": "#0b62a8", "middle": "#2a7a2a"}


def drawing() -> str:
    """All layouts in two columns; each frame is the crop that a network sees."""
    layouts = list(LAYOUTS.values())
    rows = (len(layouts) + 1) // 2
    width, height = 2 * SIDE + 60, rows * (SIDE + HEAD + 20) + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for number, layout in enumerate(layouts):
        x, y = 20 + number % 2 * (SIDE + 20), 20 + number // 2 * (SIDE + HEAD + 20)
        parts += [f'<g transform="translate({x} {y})">', *_face(layout), "</g>"]
    return "\n".join([*parts, "</svg>", ""])


def _face(layout: PointLayout) -> list[str]:
    places = [(x * SIDE, y * SIDE + HEAD) for x, y in layout.mean_shape]
    parts = [
        f'<text x="0" y="18" font-size="16">{layout.name}: {layout.count} points</text>',
        f'<rect y="{HEAD}" width="{SIDE}" height="{SIDE}" fill="#f6f6f4" stroke="#bbb"/>',
    ]
    for line in layout.lines:
        (x1, y1), (x2, y2) = (places[row] for row in layout.rows(*line))
        parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#aaa"/>')
    for row, (name, (x, y)) in enumerate(zip(layout.points, places, strict=True)):
        color = COLORS[side_of(name)]
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{color}"><title>{row} {name}</title></circle>')
        if layout.count <= NUMBERED:
            parts.append(f'<text x="{x + 3:.1f}" y="{y - 3:.1f}" font-size="9" fill="{color}">{row}</text>')
    return parts


if __name__ == "__main__":
    print(write_text(Path(words_of(__doc__, "out").out), drawing()))
