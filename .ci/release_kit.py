"""What an operator needs beside the zips: documentation, dashboard and monitors, as one archive."""

import gzip
import io
import os
import re
import tarfile

# Of the source, by what git lists. Their tests stay at home.
PATTERNS = ("README.md", "RUNBOOK.md", "CONTRIBUTING.md", "SECURITY.md", "samconfig.toml", "docs", "datadog",
            "documents/structure.pl", ":!datadog/tests")
NAME = "operator-kit.tar.gz"
# Without a target it lists what there is, and makes nothing.
MAKEFILE = r"""
help: ## List the targets
	@awk -F ':.* ## ' '/^[a-z-]+:.* ## / { printf "%-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
.PHONY: help

include datadog/datadog.mk
""".lstrip()


def relinked(text, page, inside, base):
    """A page whose links to files that are not inside lead to the source at GitHub."""

    def link(found):
        target, _, anchor = found[1].partition("#")
        path = os.path.normpath(os.path.join(os.path.dirname(page), target))
        folder = any(name.startswith(f"{path}/") for name in inside)
        if not target or "://" in target or path in inside or folder:
            return found[0]
        return f"]({base}/{path}{'#' + anchor if anchor else ''})"

    return re.sub(r"\]\(([^)\s]+)\)", link, text)


def files(root, names, base):
    """The content of each file by its name."""
    inside = set(names)
    found = {"Makefile": MAKEFILE.encode()}
    for name in names:
        content = (root / name).read_bytes()
        if name.endswith(".md"):
            content = relinked(content.decode(), name, inside, base).encode()
        found[name] = content
    return found


def archive(root, found):
    """The archive's bytes: the same of the same files."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        for name in sorted(found):
            entry = tarfile.TarInfo(name)
            entry.size = len(found[name])
            entry.mode = 0o755 if os.access(root / name, os.X_OK) and name != "Makefile" else 0o644
            tar.addfile(entry, io.BytesIO(found[name]))
    return packed.getvalue()
