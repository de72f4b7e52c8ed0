#!/usr/bin/env python3
"""Draws docs/dashboard.svg: the dashboard's own queries, evaluated on a month of invented nights.

    datadog/tests/picture.py > docs/dashboard.svg

It is no screenshot: Datadog draws them in its own way.
"""

import json
import pathlib
from xml.sax.saxutils import escape

from evaluate import DAY, HOUR, Series, colours, graph, scalars

FOLDER = pathlib.Path(__file__).resolve().parent.parent
START, DAYS = 20_000 * DAY, 29
ALL = {"env": "*", "source": "*"}
WIDTH, ROW = 880, 22
FILL = {"white_on_red": "#d33043", "white_on_green": "#2a9d4e", None: "#8a8f98"}
PHASES = {"snapshot": "#5b8ff9", "volume": "#61ddaa", "attach": "#65789b", "mount": "#f6bd16", "test": "#7262fd",
          "release": "#78d3f8"}


def nights():
    """Two databases: one with a bad night and two nights without a verdict, which is bad again at the end."""
    series, check = Series(), "infobright_backup_check."
    for number in range(DAYS):
        for source, at, hours in [("ib-orders.example.com", 2, 1.2), ("ib-archive.example.com", 4, 2.1)]:
            tags = {"env": "prod", "source": source}
            first = source.startswith("ib-orders")
            begin = START + number * DAY + at * HOUR
            end = begin + int(hours * HOUR)
            valid = None if first and number in (11, 12) else int(not (first and number in (6, 28)))
            good = 26 * HOUR + (DAY * (number - 10) if first and number in (11, 12, 13) else 0)
            good += DAY if first and number == 7 else 0
            series.send(begin, "infobright_backup_age_seconds", at * 1800, **tags)
            series.send(begin, check + "last_valid_age_seconds", good, **tags)
            if valid is None:
                continue
            series.send(end, "infobright_backup_valid", valid, **tags)
            series.send(end, check + "coverage", 100 if first else 78, **tags)
            series.send(end, check + "manifest", int(first), **tags)
            series.send(end, check + "canary_caught", 1, **tags)
            for phase, seconds in zip(PHASES, (90, 40, 20, 15, hours * HOUR * (0.9 + number % 5 / 25), 60)):
                series.send(end, check + "duration_seconds", seconds, phase=phase, **tags)
    return series


def text(x, y, words, **style):
    rest = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in style.items())
    return f'<text x="{x}" y="{y}"{rest}>{escape(words)}</text>'


def box(x, y, width, height, colour):
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>'


def tile(title):
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    return next(of["definition"] for of in dashboard["widgets"] if of["definition"].get("title", "").startswith(title))


def shown(value, formula):
    """A cell's value in words."""
    unit = formula.get("number_format", {}).get("unit", {}).get("unit_name")
    if value is None:
        return "–"
    return {"second": f"{value / HOUR:.1f} h", "percent": f"{value:g} %"}.get(unit, f"{value:g}")


def list_and_table(series, now, y):
    """The two tiles that list the databases, the worst first."""
    lines, last = [], tile("Last verdict")
    lines.append(text(16, y, last["title"], font_weight="bold"))
    for row, (of, colour) in enumerate(colours(last, series, now, ALL).items()):
        top = y + 8 + row * ROW
        lines += [box(16, top, 240, ROW - 3, FILL[colour]), text(24, top + 14, f"{of[1]} ({of[0]})", fill="white")]
    y += 3 * ROW + 20
    table = tile("Databases")
    formulas = table["requests"][0]["formulas"]
    lines.append(text(16, y, table["title"], font_weight="bold"))
    for column, of in enumerate(formulas):
        lines.append(text(200 + column * 115, y + ROW, of["alias"].replace("age of the ", "").replace(" backup", "")))
    for row, (of, values) in enumerate(scalars(table, series, now, ALL)):
        base = y + (row + 2) * ROW
        lines.append(text(16, base, of[1]))
        lines += [text(200 + column * 115, base, shown(value, formulas[column])) for column, value in enumerate(values)]
    return lines, y + 4 * ROW + 20


def bars(series, now, y):
    """One bar a day for each database, then the phases of each day's run."""
    lines, verdicts = [], graph(tile("Verdicts: "), series, now, ALL)
    lines.append(text(16, y, tile("Verdicts: ")["title"], font_weight="bold"))
    step = (WIDTH - 220) / DAYS
    for row, of in enumerate(sorted({of for _, of in verdicts})):
        top = y + 10 + row * 34
        lines.append(text(16, top + 18, of[1]))
        for name, colour in [("valid", FILL["white_on_green"]), ("invalid", FILL["white_on_red"])]:
            for begin, value in sorted(verdicts[name, of].items()):
                if value:
                    lines.append(box(200 + (begin - START) / DAY * step, top, step - 3, 26, colour))
    y += 2 * 34 + 30
    phases, title = graph(tile("Phases"), series, now, ALL), "Phases of a run, in hours: ib-archive.example.com"
    lines.append(text(16, y, title, font_weight="bold"))
    base = {}
    for phase, colour in PHASES.items():
        for begin, seconds in sorted(phases["seconds", ("prod", "ib-archive.example.com", phase)].items()):
            height = seconds / HOUR * 30
            base[begin] = base.get(begin, y + 100) - height
            lines.append(box(200 + (begin - START) / DAY * step, base[begin], step - 3, height, colour))
    for row, (phase, colour) in enumerate(PHASES.items()):
        lines += [box(16, y + 12 + row * 15, 10, 10, colour), text(32, y + 21 + row * 15, phase)]
    return lines, y + 120


def picture():
    series, now = nights(), START + DAYS * DAY
    upper, y = list_and_table(series, now, 30)
    lower, y = bars(series, now, y)
    caption = "Invented nights, drawn from the dashboard's own queries by datadog/tests/picture.py. Datadog draws them in its own way."
    lines = [*upper, *lower, text(16, y + 8, caption, fill="#666")]
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 20}" font-family="sans-serif" '
            f'font-size="12" fill="#222">')
    return "\n".join([head, box(0, 0, WIDTH, y + 20, "#fff"), *lines, "</svg>"]) + "\n"


if __name__ == "__main__":
    print(picture(), end="")
