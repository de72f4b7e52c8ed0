"""Evaluates the kit's queries on invented series, as Datadog documents it. Only the forms of query that
the kit uses are known; any other is an error, so that none goes untested.

What it follows: docs.datadoghq.com, "Rollup", "Configure Monitors" (missing data), "Template variables".
"""

import ast
import fnmatch
import operator
import re

HOUR, DAY = 3600, 86400
SPANS = {"1h": HOUR, "4h": 4 * HOUR, "1d": DAY, "2d": 2 * DAY, "1w": 7 * DAY, "1mo": 30 * DAY, "3mo": 90 * DAY}
# Without .rollup a graph takes an interval by its span, with no more than some hundred points.
AUTOMATIC = {"1h": 20, "4h": 60, "1d": 300, "2d": 600, "1w": HOUR, "1mo": 4 * HOUR, "3mo": 12 * HOUR}
AGGREGATE = {"min": min, "max": max, "sum": sum, "avg": lambda of: sum(of) / len(of)}
COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
QUERY = re.compile(
    r"(?P<space>min|max|sum|avg):(?P<metric>[a-z][\w.]*)\{(?P<scope>[^}]*)\}(?: by \{(?P<by>[\w,]+)\})?"
    r"(?:\.rollup\((?P<method>min|max|sum|avg), (?P<interval>\d+)\)|(?P<count>\.as_count\(\)))?"
)


class Unknown(Exception):
    """A form of query that this does not know."""


class Series:
    """Points of a metric with tags, as they were sent."""

    def __init__(self):
        self.sent = []

    def send(self, at, metric, value, **tags):
        self.sent.append((at, metric, value, tags))


def fits(scope, tags, variables):
    """Whether a series with these tags is in a query's scope."""
    for part in scope.split(","):
        if re.fullmatch(r"\$\w+", part):
            part = f"{part[1:]}:{variables[part[1:]]}"
        part = re.sub(r"\$(\w+)\.value", lambda found: variables[found[1]], part)
        found = re.fullmatch(r"(!?)(\w+):([\w.*-]+)", part)
        if not found:
            raise Unknown(f"scope {scope}: {part}")
        without, key, pattern = found.groups()
        # With the value * a variable lets everything through, what has no such tag as well.
        there = pattern == "*" or fnmatch.fnmatchcase(tags.get(key, ""), pattern)
        if there == bool(without):
            return False
    return True


def timeseries(query, series, start, end, automatic, variables=None):
    """Each group's value in each interval that has points: {group: {begin: value}}."""
    form = QUERY.fullmatch(query)
    if not form:
        raise Unknown(query)
    interval = int(form["interval"] or automatic)
    over_time = AGGREGATE[form["method"] or ("sum" if form["count"] else "avg")]
    keys = form["by"].split(",") if form["by"] else []
    buckets = {}
    for at, metric, value, tags in series.sent:
        begin = at - at % interval
        # An interval counts that begins in the window, and the one that the window begins in: whole, as
        # far as its points are there.
        if metric == form["metric"] and start - start % interval <= begin <= end \
                and fits(form["scope"], tags, variables or {}):
            one = tuple(sorted(tags.items()))
            buckets.setdefault((group(tags, keys), begin), {}).setdefault(one, []).append(value)
    found = {}
    for (of, begin), members in buckets.items():
        found.setdefault(of, {})[begin] = AGGREGATE[form["space"]]([over_time(v) for v in members.values()])
    return found


def group(tags, keys):
    return tuple(tags.get(key, "N/A") for key in keys)


def formula(text, values):
    """The value of a formula; None where one that it needs is missing."""
    def of(node):
        match node:
            case ast.Expression():
                return of(node.body)
            case ast.Constant(value=int() | float()):
                return node.value
            case ast.Name():
                return values.get(node.id)
            case ast.BinOp():
                pair = of(node.left), of(node.right)
                act = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Div: operator.truediv}[type(node.op)]
                return None if None in pair else act(*pair)
        raise Unknown(f"formula {text}")
    return of(ast.parse(text, mode="eval"))


# ---- The dashboard ----


def evaluated(definition, request, series, now, variables):
    """What a request's queries give: {name: {group: {begin: value}}}."""
    span = definition.get("time", {}).get("live_span", "1d")
    return {
        of["name"]: timeseries(of["query"], series, now - SPANS[span], now, AUTOMATIC[span], variables)
        for of in request["queries"]
    }


def scalars(definition, series, now, variables):
    """The rows of a tile that shows one value for each group: (group, [value of each formula])."""
    (request,) = definition["requests"]
    found = evaluated(definition, request, series, now, variables)
    if {of["aggregator"] for of in request["queries"]} != {"last"}:
        raise Unknown(f"aggregators of {definition['title']}")
    last = {name: {g: points[max(points)] for g, points in groups.items()} for name, groups in found.items()}
    rows = []
    for of in sorted({g for groups in last.values() for g in groups}):
        values = {name: groups.get(of) for name, groups in last.items()}
        rows.append((of, [formula(one["formula"], values) for one in request["formulas"]]))
    return ordered(definition, request, rows)


def ordered(definition, request, rows):
    """The rows in the order that the tile shows them in; what has no value comes last."""
    match definition["type"]:
        case "query_value":
            return rows
        case "toplist":
            (limit,) = [of["limit"] for of in request["formulas"]]
            index, order, count = 0, limit["order"], limit["count"]
        case "query_table":
            (by,) = request["sort"]["order_by"]
            index, order, count = by["index"], by["order"], request["sort"]["count"]
        case other:
            raise Unknown(f"a tile {other}")
    known = [row for row in rows if row[1][index] is not None]
    known.sort(key=lambda row: row[1][index], reverse=order == "desc")
    return (known + [row for row in rows if row[1][index] is None])[:count]


def palette(formats, value):
    """The colour that the first format that applies gives."""
    if value is None:
        return None
    return next((of["palette"] for of in formats if COMPARE[of["comparator"]](value, of["value"])), None)


def colours(definition, series, now, variables):
    """The colour of each row's first value: {group: palette}, in the order shown."""
    (request,) = definition["requests"]
    formats = request.get("conditional_formats") or request["formulas"][0].get("conditional_formats", [])
    return {of: palette(formats, values[0]) for of, values in scalars(definition, series, now, variables)}


def graph(definition, series, now, variables):
    """The bars or lines of a graph: {(alias or formula, group): {begin: value}}."""
    drawn = {}
    for request in definition["requests"]:
        found = evaluated(definition, request, series, now, variables)
        (one,) = request["formulas"]
        for of in {g for groups in found.values() for g in groups}:
            for begin in {b for groups in found.values() for b in groups.get(of, {})}:
                values = {name: groups.get(of, {}).get(begin) for name, groups in found.items()}
                value = formula(one["formula"], values)
                if value is not None:
                    drawn.setdefault((one.get("alias", one["formula"]), of), {})[begin] = value
    return drawn
