"""Every link of every Markdown file leads somewhere: file, heading and line; and so does every section
that code, scripts, template and monitors name. No address is called: those are checked for their form."""

import pathlib
import re
import subprocess
import sys
import unittest
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / ".ci"))

import template  # noqa: E402


def listed(*patterns):
    """Files of the repository."""
    done = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
                          cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in sorted(set(done.stdout.splitlines())) if (ROOT / name).is_file()]


def prose(text):
    """Markdown without its code: blocks by fence or by indentation, and spans."""
    kept, fence, before = [], None, ""
    for line in text.splitlines():
        opening = re.match(r"\s*(```+|~~~+)", line)
        if fence:
            fence = None if opening and opening[1].startswith(fence) else fence
        elif opening:
            fence = opening[1]
        elif not (re.match(r" {4}", line) and not before.strip()):
            kept.append(line)
            before = line
            continue
        # A code block by indentation goes on while lines are indented.
        kept.append("")
    return re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "`code`", "\n".join(kept))


def headings(text):
    """The anchors of a page, as GitHub makes them: the same heading twice gets a number."""
    anchors, fence = [], False
    for line in text.splitlines():
        fence ^= line.lstrip().startswith("```")
        found = None if fence else re.match(r"#{1,6} +(.*?)(?: +#+)? *$", line)
        if found:
            shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", found[1])
            anchor = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
            count = sum(re.fullmatch(rf"{re.escape(anchor)}(-\d+)?", of) is not None for of in anchors)
            anchors.append(f"{anchor}-{count}" if count else anchor)
    anchors += re.findall(r'<a (?:id|name)="([^"]+)"', text)
    return anchors


def links(page):
    """The targets of a page's links and pictures."""
    text = prose(page.read_text())
    references = re.findall(r"(?m)^ {0,3}\[[^\]]+\]: +<?(\S+?)>?(?: |$)", text)
    return re.findall(r"\]\(\s*<?([^)\s>]+)>?[^)]*\)", text) + references


def fault(page, target):
    """What is wrong with a link, or None."""
    scheme = urllib.parse.urlsplit(target)
    if scheme.scheme:
        host = re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", scheme.netloc)
        return None if scheme.scheme == "https" and host else "no https address"
    path, _, anchor = urllib.parse.unquote(target).partition("#")
    file = (page.parent / path).resolve() if path else page
    if path.startswith("/") or not file.is_relative_to(ROOT):
        return "leads out of the repository"
    if not file.exists():
        return "no such file"
    if not anchor:
        return None
    lines = re.fullmatch(r"L(\d+)(?:-L(\d+))?", anchor)
    if lines and file.suffix != ".md":
        there = len(file.read_text().splitlines())
        begin, end = int(lines[1]), int(lines[2] or lines[1])
        return None if 1 <= begin <= end <= there else f"the file has {there} lines"
    if file.suffix != ".md" or anchor not in headings(file.read_text()):
        return "no such heading"
    return None


class Links(unittest.TestCase):
    def test_every_link_leads_somewhere(self):
        pages, seen, faults = listed("*.md"), 0, []
        self.assertGreater(len(pages), 14)
        for page in pages:
            for target in links(page):
                seen += 1
                wrong = fault(page, target)
                if wrong:
                    faults.append(f"{page.relative_to(ROOT)}: {target}: {wrong}")
        self.assertEqual(faults, [])
        self.assertGreater(seen, 150)

    def test_every_section_that_is_named_exists(self):
        """Such as `"A bad backup" in RUNBOOK.md`, in an error, a comment or a monitor."""
        named = re.compile(r'\\{0,3}"([^"\\\n]+)\\{0,3}"\s+in\s+((?:docs/)?[\w-]+\.md)')
        seen = set()
        for file in listed("crates/*.rs", "documents/*.sh", "documents/*.pl", "template.yaml", "datadog/*.json",
                           "datadog/fire", "datadog/apply"):
            # A long literal of Rust goes on in the next line.
            text = re.sub(r"\\\n\s*", "", file.read_text())
            for heading, page in named.findall(text):
                seen.add((heading, page))
                self.assertTrue((ROOT / page).is_file(), f"{file}: {page}")
                found = re.findall(r"(?m)^#+ (.+)$", (ROOT / page).read_text())
                self.assertIn(heading, found, f"{file.relative_to(ROOT)}: {page}")
        self.assertGreater(len(seen), 8, seen)

    def test_every_anchor_of_an_alarm_is_that_of_the_section_it_names(self):
        alarms = template.of_type(template.read(), "AWS::CloudWatch::Alarm").values()
        self.assertGreater(len(alarms), 3)
        anchors = headings((ROOT / "RUNBOOK.md").read_text())
        for alarm in alarms:
            said, values = alarm["Properties"]["AlarmDescription"]["Fn::Sub"]
            heading = re.search(r'"([^"]+)" in RUNBOOK\.md\$\{Section\}', said)[1]
            anchor = values["Section"]["Fn::If"][1]["Fn::Sub"].removeprefix(", ${RunbookUrl}#")
            self.assertEqual(headings(f"# {heading}"), [anchor])
            self.assertIn(anchor, anchors)

    def test_what_is_wrong_is_seen(self):
        page = ROOT / "README.md"
        for target, wrong in [
            ("RUNBOOK.md#no-such-heading", "no such heading"), ("#outcome", "no such heading"),
            ("docs/nothing.md", "no such file"), ("../outside.md", "leads out of the repository"),
            ("/etc/hosts", "leads out of the repository"), ("http://example.com", "no https address"),
            ("https://localhost", "no https address"), ("Makefile#L999999", "lines"), ("Makefile#L3-L1", "lines"),
            ("Makefile#help", "no such heading"),
        ]:
            self.assertIn(wrong, fault(page, target) or "nothing", target)
        for target in ("#outcomes", "RUNBOOK.md#a-bad-backup", "Makefile#L1-L3", "https://example.com/a?b", "docs"):
            self.assertIsNone(fault(page, target), target)

    def test_anchors_are_those_of_github(self):
        text = "# A `b_c`: d-e, f's!\n## Twice\n## Twice\n```\n# no heading\n```\n### [Link](x.md) & more\n## Größe\n"
        self.assertEqual(headings(text), ["a-b_c-d-e-fs", "twice", "twice-1", "link--more", "größe"])


if __name__ == "__main__":
    unittest.main()
