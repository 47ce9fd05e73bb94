"""Draws the ratios of a bench run as an SVG of horizontal bars on a logarithmic axis around 1."""

import html
import math

ROW, LEFT, WIDTH, TOP = 22, 150, 560, 70
AHEAD, BEHIND, INK, FAINT = "#2f7d5b", "#b5493a", "#222", "#ccc"


def draw(ratios, mean, peer):
    """`ratios` by name, above 1 when Backplane is ahead; returns the document's text."""
    rows = [*ratios.items(), ("geometric mean", mean)]
    span = max(2.0, *(max(value, 1 / value) for _, value in rows)) * 1.1
    height = TOP + ROW * len(rows) + 30

    def place(value):
        return LEFT + WIDTH * (math.log(value) / math.log(span) + 1) / 2

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 70}" height="{height}" '
        f'font-family="sans-serif" font-size="12" fill="{INK}">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="10" y="24" font-size="16">Backplane against {html.escape(peer)}</text>',
        '<text x="10" y="44">time of the peer over ours, by item: to the right of 1, Backplane is faster</text>',
    ]
    power = math.floor(math.log2(span))
    for exponent in range(-power, power + 1):
        x = place(2.0**exponent)
        label = f"{2**exponent}" if exponent >= 0 else f"1/{2**-exponent}"
        parts.append(f'<line x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{height - 26}" stroke="{FAINT}"/>')
        parts.append(f'<text x="{x:.1f}" y="{height - 10}" text-anchor="middle">{label}</text>')
    for index, (name, value) in enumerate(rows):
        y = TOP + ROW * index
        left, right = sorted((place(1.0), place(value)))
        colour = AHEAD if value >= 1 else BEHIND
        weight = ' font-weight="bold"' if name == "geometric mean" else ""
        parts += [
            f'<text x="{LEFT - 10}" y="{y + 13}" text-anchor="end"{weight}>{html.escape(name)}</text>',
            f'<rect x="{left:.1f}" y="{y + 2}" width="{max(1.0, right - left):.1f}" height="{ROW - 7}" fill="{colour}"/>',
            f'<text x="{LEFT + WIDTH + 10}" y="{y + 13}"{weight}>{value:.2f}</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"
