"""Results of the Kubernetes tests: a JUnit file per SIG in one folder."""
import glob
import hashlib
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as xml

SIG = re.compile(r"\[(sig-[a-z-]+)\]")
# Maximum length of a test's output in the results; the full output is in its log.
TEXT = 4000
LISTED = re.compile(r"^\s+\S+\.go:\d+: (.+)$")


def names_in(program):
    """The names of all [Conformance] tests of an e2e.test."""
    listing = subprocess.run([program, "--list-tests"], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    found = (LISTED.match(line) for line in listing.stdout.splitlines())
    names = [match[1] for match in found if match and "[Conformance]" in match[1]]
    if not names:
        sys.exit(f"error: {program} lists no [Conformance] test")
    return names


def sig_of(name):
    """The special interest group of a test: the first one in brackets in its name."""
    found = SIG.search(name)
    return found[1] if found else "none"


def read_list(path):
    """Reads a list of tests: a name per line, with the reason in the # lines above it. Returns reasons by name."""
    reasons, reason, was_name = {}, [], False
    with open(path, encoding="utf-8") as file:
        for line in file:
            line = line.strip()
            if line.startswith("#"):
                reason = [] if was_name else reason
                reason.append(line.lstrip("# "))
                was_name = False
            elif line:
                reasons[line] = " ".join(reason)
                was_name = True
            else:
                reason, was_name = [], False
    return reasons


class Result:
    """The result of one test: passed, failed or skipped (by the test itself)."""

    def __init__(self, name, status, seconds, text):
        self.name, self.status, self.seconds, self.text = name, status, seconds, text

    @classmethod
    def of(cls, name, seconds, code, folder, log):
        """Reads the result from the report folder of e2e.test; without a report the test has failed."""
        for path in glob.glob(f"{folder}/junit*.xml"):
            for case in xml.parse(path).iter("testcase"):
                if not case.get("name", "").endswith(name):
                    continue
                if case.get("status") == "passed" and code == 0:
                    return cls(name, "passed", seconds, "")
                skipped = case.find("skipped")
                if skipped is not None and code == 0:
                    return cls(name, "skipped", seconds, skipped.get("message", "it skipped itself"))
                failure = case.find("failure")
                failure = case.find("error") if failure is None else failure
                if failure is not None:
                    return cls(name, "failed", seconds, (failure.text or failure.get("message", ""))[:TEXT])
        with open(log, encoding="utf-8", errors="replace") as file:
            return cls(name, "failed", seconds, f"e2e.test exited with {code} without a result\n{file.read()[-TEXT:]}")


class Results:
    """The results in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.by_name = {}
        os.makedirs(f"{folder}/logs", exist_ok=True)
        for path in glob.glob(f"{folder}/junit_*.xml"):
            for case in xml.parse(path).iter("testcase"):
                status, text = "passed", ""
                for tag, meaning in (("failure", "failed"), ("skipped", "skipped")):
                    element = case.find(tag)
                    if element is not None:
                        status, text = meaning, element.text or ""
                self.by_name[case.get("name")] = Result(case.get("name"), status, float(case.get("time")), text)

    def __contains__(self, name):
        return name in self.by_name

    def __iter__(self):
        return iter(list(self.by_name.values()))

    def get(self, name):
        """The result of a test, if there is one."""
        return self.by_name.get(name)

    def log_of(self, name):
        """The path of a test's log."""
        words = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:120]
        return f"{self.folder}/logs/{words}-{hashlib.sha256(name.encode()).hexdigest()[:8]}.log"

    def keep(self, result):
        """Stores a result: rewrites the file of the test's SIG atomically."""
        self.by_name[result.name] = result
        sig = sig_of(result.name)
        suite = xml.Element("testsuite", name=sig)
        for each in sorted(self, key=lambda one: one.name):
            if sig_of(each.name) != sig:
                continue
            case = xml.SubElement(suite, "testcase", name=each.name, classname=sig, time=f"{each.seconds:.1f}")
            if each.status != "passed":
                element = xml.SubElement(case, "failure" if each.status == "failed" else "skipped")
                # Control characters are not allowed in XML.
                element.text = re.sub(r"[^\t\n\r\x20-\ufffd]", "?", each.text)
        path = f"{self.folder}/junit_{sig}.xml"
        xml.ElementTree(suite).write(path + ".new", encoding="utf-8", xml_declaration=True)
        os.replace(path + ".new", path)


def count(names, results, skips):
    """Groups tests by result: passed, failed, skipped (listed in skips), unlisted (skipped themselves), missing."""
    groups = {"passed": [], "failed": [], "skipped": [], "unlisted": [], "missing": []}
    for name in names:
        result = results.get(name)
        if name in skips:
            groups["skipped"].append(name)
        elif result is None:
            groups["missing"].append(name)
        elif result.status == "skipped":
            groups["unlisted"].append(name)
        else:
            groups[result.status].append(name)
    return groups


def summary(names, results, skips):
    """A summary of a few lines, and whether all tests have passed or are listed in skips."""
    groups = count(names, results, skips)
    numbers = {group: len(members) for group, members in groups.items()}
    ran = numbers["passed"] + numbers["failed"]
    lines = [
        f"{len(names)} tests: {ran} ran, {numbers['passed']} passed, {numbers['failed']} failed, "
        f"{numbers['skipped']} skipped ({100 * numbers['skipped'] / max(len(names), 1):.1f} %)"
    ]
    for group, title in (
        ("failed", "failed"),
        ("unlisted", "skipped themselves and are not listed in skips"),
        ("missing", "have no result"),
    ):
        if groups[group]:
            lines += [f"{title}:"] + [f"  {name}" for name in groups[group]]
    return "\n".join(lines), not (groups["failed"] or groups["unlisted"] or groups["missing"])
