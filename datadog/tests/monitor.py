"""Evaluates monitors on invented series and events, minute for minute, as Datadog documents it."""

import fnmatch
import re

from evaluate import AGGREGATE, COMPARE, DAY, HOUR, QUERY, Unknown, formula, timeseries

WINDOWS = {"h": HOUR, "d": DAY}
OK, ALERT, NO_DATA = "OK", "Alert", "No Data"


class Monitor:
    """One monitor, and what it told."""

    def __init__(self, body):
        self.body, self.options = body, body["options"]
        self.state, self.seen_data, self.told, self.told_at = {}, False, [], None
        head, comparator, threshold = re.fullmatch(r"(.+) (<|<=|>|>=) (-?[\d.]+)", body["query"]).groups()
        self.breaches = lambda value: COMPARE[comparator](value, float(threshold))
        if body["type"] == "event-v2 alert":
            found = re.fullmatch(r'events\("(.+)"\)\.rollup\("count"\)\.last\("(\d+)([hd])"\)', head)
            if not found:
                raise Unknown(body["query"])
            self.search = found[1].replace('\\"', '"')
            self.over_time, number, unit, self.expression = "count", found[2], found[3], None
        else:
            found = re.fullmatch(r"(min|max|sum|avg)\(last_(\d+)([hd])\):(.+)", head)
            if not found:
                raise Unknown(body["query"])
            self.over_time, number, unit, self.expression = found.groups()
        self.window = int(number) * WINDOWS[unit]

    def values(self, series, events, now):
        """The value of each group in the window, {} where there is no data."""
        if self.expression is None:
            found = sum(now - self.window < event["at"] <= now and matches(self.search, event) for event in events)
            return {(): found} if found else {}
        end = now - self.options.get("evaluation_delay", 0)
        queries, text = {}, self.expression
        # A query in week_before() is that of a week ago.
        for pattern, shift in ((rf"week_before\(({QUERY.pattern})\)", 7 * DAY), (QUERY.pattern, 0)):
            while found := re.search(pattern, text):
                name = f"q{len(queries)}"
                query = found[1] if shift else found[0]
                there = timeseries(query, series, end - self.window - shift, end - shift, 60)
                queries[name] = {of: {begin + shift: v for begin, v in points.items()} for of, points in there.items()}
                text = text[: found.start()] + name + text[found.end() :]
        result = {}
        for of in {of for groups in queries.values() for of in groups}:
            begins = {begin for groups in queries.values() for begin in groups.get(of, {})}
            points = ({name: groups.get(of, {}).get(begin) for name, groups in queries.items()} for begin in begins)
            known = [value for each in points if (value := formula(text, each)) is not None]
            if known:
                result[of] = AGGREGATE[self.over_time](known)
        return result

    def evaluate(self, series, events, now):
        """One evaluation: who is told what."""
        values = self.values(series, events, now)
        self.seen_data |= bool(values)
        grouped = " by {" in self.body["query"]
        for of in set(values) | set(self.state) | (set() if grouped else {()}):
            before = self.state.get(of, OK)
            self.state[of] = self.next_state(before, values.get(of))
            self.tell(of, before, now)

    def next_state(self, before, value):
        if value is not None:
            return ALERT if self.breaches(value) else OK
        match self.options["on_missing_data"]:
            # "For monitors using Count queries": counts of a metric or of events, whatever adds up their points.
            case "default" if self.expression is None or self.expression.endswith(".as_count()"):
                return ALERT if self.breaches(0) else OK
            case "default":
                return before
            case "show_and_notify_no_data":
                # "Alerting on missing data only works when data is first present."
                return NO_DATA if self.seen_data else before
        raise Unknown(f"on_missing_data of {self.body['name']}")

    def tell(self, of, before, now):
        after, renotify = self.state[of], self.options.get("renotify_interval", 0) * 60
        again = after == before == ALERT and renotify and now - self.told_at >= renotify
        if after != before or again:
            self.told.append((now, after, of))
            self.told_at = now

    def text(self, state):
        """The message as whoever is told in this state reads it."""
        kept = {"alert": state == ALERT, "recovery": state == OK, "no_data": state == NO_DATA}
        block = re.compile(r"\{\{#is_(\w+)\}\}(.*?)\{\{/is_\1\}\}", re.DOTALL)
        return block.sub(lambda found: found[2] if kept[found[1]] else "", self.body["message"])


def matches(search, event):
    """Whether an event is found: words in quotation marks in its title, key:value among its tags."""
    for part in re.findall(r'"[^"]+"|\S+', search):
        if part[0] == '"':
            there = part[1:-1].lower() in event["title"].lower()
        elif part.startswith("status:"):
            there = event["alert_type"] == part.removeprefix("status:")
        elif re.fullmatch(r"[\w-]+:[\w.*-]+", part):
            there = bool(fnmatch.filter(event["tags"], part))
        else:
            raise Unknown(f"search {search}")
        if not there:
            return False
    return True
