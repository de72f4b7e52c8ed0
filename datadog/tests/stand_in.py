"""A stand-in for the part of Datadog that keeps dashboards and monitors. It keeps state, and fills
in ids and defaults of its own as Datadog does."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

API_KEY, APP_KEY = "an-api-key", "an-app-key"
MADE_AT = "2026-01-01T00:00:00.000000+00:00"


class Datadog:
    """The account, and the server in front of it. Use it with `with`."""

    def __init__(self):
        self.dashboards, self.monitors, self.changes, self._last = {}, {}, [], 1000
        # Metrics that there are points of, with their units; points and events as they came.
        self.metrics, self.points, self.events = {}, [], []
        account = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                keys = (self.headers.get("DD-API-KEY"), self.headers.get("DD-APPLICATION-KEY"))
                status, reply = account.call(self.command, urlsplit(self.path), body, keys)
                text = json.dumps(reply).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_DELETE = answer

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def call(self, method, url, body, keys):
        """One call of the API: status and reply."""
        # Points and events ask for no application key.
        sends = method == "POST" and url.path in ("/api/v2/series", "/api/v1/events")
        if keys[0] != API_KEY or (keys[1] != APP_KEY and not sends):
            return 403, {"errors": ["Forbidden"]}
        if url.path == "/api/v2/series":
            self.points += body["series"]
            return 202, {"errors": []}
        path = url.path.removeprefix("/api/v1/").split("/")
        if path[0] == "events":
            self.events.append(body)
            return 202, {"status": "ok"}
        if path[0] == "metrics":
            return self.metric(method, path[1], body)
        if path[0] == "dashboard":
            return self.dashboard(method, path[1:], body)
        if path[0] == "monitor":
            return self.monitor(method, path[1:], body, parse_qs(url.query))
        return 404, {"errors": [f"the stand-in has no {url.path}"]}

    def metric(self, method, name, body):
        """It keeps metadata only of metrics that it has points of."""
        if name not in self.metrics:
            return 404, {"errors": [f"no metric {name}"]}
        if method == "PUT":
            self.metrics[name] = body
            self.changes.append(f"PUT metric {name}")
        return 200, self.metrics[name]

    def dashboard(self, method, path, body):
        if method == "GET" and not path:
            summaries = [{"id": of["id"], "title": of["title"]} for of in self.dashboards.values()]
            return 200, {"dashboards": summaries}
        if method != "POST" and path[0] not in self.dashboards:
            return 404, {"errors": [f"no dashboard {path[0]}"]}
        if method == "GET":
            return 200, self.dashboards[path[0]]
        key = path[0] if path else f"abc-{self.next_id()}"
        kept = {**body, "id": key, "author_handle": "me@example.com", "created_at": MADE_AT}
        kept["widgets"] = [{**widget, "id": self.next_id()} for widget in body["widgets"]]
        self.dashboards[key] = kept
        self.changes.append(f"{method} dashboard")
        return 200, kept

    def monitor(self, method, path, body, query):
        if method == "GET":
            tags = set(query["monitor_tags"][0].split(","))
            return 200, [of for of in self.monitors.values() if tags <= set(of["tags"])]
        if method == "DELETE":
            self.changes.append(f"DELETE monitor {self.monitors.pop(int(path[0]))['name']}")
            return 200, {"deleted_monitor_id": int(path[0])}
        fault = self.fault(body)
        if fault:
            return 400, {"errors": [fault]}
        if path == ["validate"]:
            return 200, {}
        if method == "PUT" and int(path[0]) not in self.monitors:
            return 404, {"errors": ["Monitor not found"]}
        key = int(path[0]) if path else self.next_id()
        kept = {"multi": " by {" in body["query"], "overall_state": "No Data", **body}
        kept |= {"id": key, "created": MADE_AT, "creator": {"handle": "me@example.com"}}
        kept["tags"] = sorted((tag.lower() for tag in body["tags"]), reverse=True)
        kept["options"] = {"notify_audit": False, "silenced": {}, **body["options"]}
        self.monitors[key] = kept
        self.changes.append(f"{method} monitor {body['name']}")
        return 200, kept

    def fault(self, body):
        """What Datadog would refuse a monitor for."""
        start = r"(?:avg|sum|min|max)\(last_\d+[hd]\):.+"
        if body["type"] == "event-v2 alert":
            start = r'events\(".+"\)\.rollup\("count"\)\.last\("\d+h"\)'
        asked = re.fullmatch(rf"{start} (?:<|<=|>|>=) (-?[\d.]+)", body["query"])
        if not asked:
            return "The value provided for parameter 'query' is invalid"
        if float(asked[1]) != body["options"]["thresholds"]["critical"]:
            return "Alert threshold does not match that used in the query"
        if "notify_no_data" in body["options"] and "on_missing_data" in body["options"]:
            return "notify_no_data and on_missing_data cannot be used together"
        return None

    def next_id(self):
        self._last += 1
        return self._last
