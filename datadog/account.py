"""The Datadog account: what is in it, what differs from the files, and its errors in words."""

import difflib
import json
import os

from datadog_api_client import Configuration
from datadog_api_client.exceptions import ApiException, ApiValueError
from datadog_api_client.v1.api.dashboards_api import DashboardsApi
from datadog_api_client.v1.api.metrics_api import MetricsApi
from datadog_api_client.v1.api.monitors_api import MonitorsApi
from kit import Refused

# Seconds for one call. The client could repeat calls, but would repeat a creation whose answer was lost.
PATIENCE = 20


def like(live, wanted):
    """The parts of `live` that `wanted` speaks of: Datadog adds ids and defaults of its own."""
    if isinstance(live, dict) and isinstance(wanted, dict):
        return {key: like(live[key], inner) for key, inner in wanted.items() if key in live}
    if isinstance(live, list) and isinstance(wanted, list):
        # It keeps tags in no order.
        if all(isinstance(one, str) for one in live) and sorted(live) == sorted(wanted):
            return wanted
        pairs = [like(one, other) for one, other in zip(live, wanted)]
        return pairs + live[len(wanted):]
    # The client makes 1.0 of 1.
    return wanted if live == wanted else live


def difference(name, live, wanted):
    """The lines of a diff, none where nothing differs."""
    bodies = (live and like(live, wanted), wanted)
    before, after = (
        json.dumps(body, indent=2, sort_keys=True).splitlines() if body else [] for body in bodies
    )
    return list(difflib.unified_diff(before, after, f"{name} in Datadog", name, lineterm=""))


def only(found, what, ids):
    """The one that was found, or none."""
    if len(found) > 1:
        raise Refused(f"there are {len(found)} {what}: {', '.join(ids)}; delete all but one")
    return found[0] if found else None


class Account:
    """The Datadog account that the keys belong to."""

    def __init__(self, client):
        self.dashboards = DashboardsApi(client)
        self.monitors = MonitorsApi(client)
        self.metrics = MetricsApi(client)

    def dashboard(self, title):
        """The dashboard of this title as it is, or None."""
        found = [of for of in self.dashboards.list_dashboards_with_pagination() if of.title == title]
        summary = only(found, f"dashboards `{title}`", [of.id for of in found])
        return summary and self.dashboards.get_dashboard(summary.id).to_dict()

    def monitors_like(self, tags):
        """All monitors that have all these tags."""
        return [of.to_dict() for of in self.monitors.list_monitors(monitor_tags=",".join(sorted(tags)))]

    def put_dashboard(self, body, live):
        """Makes it, or replaces the one that is there."""
        if live is None:
            return self.dashboards.create_dashboard(body=body)
        return self.dashboards.update_dashboard(live["id"], body=body)

    def put_monitor(self, body, live):
        """Makes it, or changes the one that is there."""
        if live is None:
            return self.monitors.create_monitor(body=body)
        return self.monitors.update_monitor(live["id"], body=body)

    def metric(self, name):
        """Unit and description of a metric, None while Datadog has no point of it."""
        try:
            return self.metrics.get_metric_metadata(name).to_dict()
        except ApiException as error:
            if error.status == 404:
                return None
            raise


def plan_dashboard(account, path, body):
    """What is in Datadog, the lines that differ, and how to put it right."""
    live = account.dashboard(body["title"])
    return path.name, live, difference(path.name, live, body), body, account.put_dashboard


def plan_monitors(account, monitors):
    """The same for each monitor; and those of ours in Datadog that no file speaks of."""
    steps = []
    there = account.monitors_like(set.intersection(*(set(body["tags"]) for _, body in monitors)))
    for path, body in monitors:
        found = [of for of in there if of["name"] == body["name"]]
        live = only(found, f"monitors `{body['name']}`", [str(of["id"]) for of in found])
        steps.append((path.name, live, difference(path.name, live, body), body, account.put_monitor))
    names = [body["name"] for _, body in monitors]
    # Those of other production instances are not ours to judge.
    ours = {tag for _, body in monitors for tag in body["tags"]}
    strays = [of for of in there if of["name"] not in names and ours >= set(of["tags"])]
    return steps, strays


def check_queries(account, steps):
    """Has Datadog judge each query that is new, since it alone can, before anything is changed."""
    for name, _, lines, body, put in steps:
        if lines and put == account.put_monitor:
            try:
                account.monitors.validate_monitor(body=body)
            except ApiException as error:
                if error.status == 400:
                    raise Refused(f"{name}: Datadog would not take it: {said(error)}") from error
                raise


# ---- Errors in words ----


def said(error):
    """What Datadog answered, in short."""
    body = error.body
    if isinstance(body, dict) and body.get("errors"):
        return "; ".join(str(one) for one in body["errors"])
    return str(body)[:300]


def explained(error, host):
    """What a call's failure means."""
    advice = {
        401: "is DD_API_KEY right, and of the site DD_SITE?",
        403: "are both keys right and of the site DD_SITE, and may the application key write "
        "dashboards and monitors?",
        429: "too many requests; try again in some minutes",
    }.get(error.status, "see Datadog's status page" if error.status >= 500 else "")
    return f"{host} answered {error.status}: {said(error)}" + (f"; {advice}" if advice else "")


def configuration():
    """The client's, from the environment."""
    missing = [name for name in ("DD_API_KEY", "DD_APP_KEY") if not os.environ.get(name)]
    if missing:
        raise Refused(
            f"{' and '.join(missing)} not set: make an API key and an application key in Datadog "
            "(Organization Settings), and put them into the environment"
        )
    if not os.environ.get("DD_SITE"):
        os.environ["DD_SITE"] = "datadoghq.com"
    settings = Configuration(host=os.environ.get("DD_URL") or None, request_timeout=PATIENCE)
    try:
        settings.host  # noqa: B018, it is a property that checks the site
    except (ApiValueError, ValueError) as error:
        raise Refused(f"DD_SITE={os.environ['DD_SITE']} is no site of Datadog") from error
    return settings
