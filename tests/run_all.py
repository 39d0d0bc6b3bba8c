#!/usr/bin/python3
"""Runs every test program of a build folder and counts their real cases.

Programs are listed by Meson; GoogleTest, TAP and unittest outputs are read. The last line is
"N passed, N failed, N skipped". Usage: run_all.py BUILDDIR [name filter ...]
"""
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import time


def count(protocol, text, code):
    """(passed, failed, skipped) of one program's output."""
    if protocol == "gtest":
        passed = sum(int(n) for n in re.findall(r"^\[  PASSED  \] (\d+) test", text, re.M))
        failed = len(re.findall(r"^\[  FAILED  \] [\w/]+\.[\w/]+(?:,| \()", text, re.M))
        skipped = len(re.findall(r"^\[  SKIPPED \] [\w/]+\.[\w/]+ \(", text, re.M))
    else:
        passed = failed = skipped = 0
        for line in text.splitlines():
            if re.match(r"ok\b.*# ?skip", line, re.I):
                skipped += 1
            elif re.match(r"ok\b", line):
                passed += 1
            elif re.match(r"not ok\b", line):
                failed += 1
        ran = re.search(r"^Ran (\d+) tests? in", text, re.M)  # unittest
        if ran:
            def total(word):
                return sum(int(n) for n in re.findall(word + r"=(\d+)", text))
            bad = total("failures") + total("errors")
            quiet = total("skipped")
            failed += bad
            skipped += quiet
            passed += max(0, int(ran.group(1)) - bad - quiet)
    if code != 0 and failed == 0:
        failed = 1  # crashed, timed out, or failed outside a case
    if code == 0 and passed + skipped == 0:
        failed = 1  # a program that checks nothing is a failure
    return passed, failed, skipped


def run(test, build):
    env = dict(os.environ)
    env.update(test["env"])
    start = time.monotonic()
    try:
        done = subprocess.run(test["cmd"], cwd=test["workdir"] or build, env=env, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace",
                              stdin=subprocess.DEVNULL, timeout=test["timeout"] or None)
        text, code = done.stdout, done.returncode
    except OSError as e:  # not built
        text, code = f"cannot run: {e}", 127
    except subprocess.TimeoutExpired as e:
        out = e.stdout or b""
        text = (out if isinstance(out, str) else out.decode(errors="replace"))
        text += f"\ntimed out after {test['timeout']} s"
        code = 124
    return text, code, time.monotonic() - start


def main():
    build, filters = sys.argv[1], sys.argv[2:]
    tests = json.loads(subprocess.check_output(["meson", "introspect", "--tests", build]))
    tests = [t for t in tests if not filters or any(f in t["name"] for f in filters)]
    totals = [0, 0, 0]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = {pool.submit(run, t, build): t for t in sorted(tests, key=lambda t: t["priority"])}
        for job in concurrent.futures.as_completed(jobs):
            test = jobs[job]
            text, code, seconds = job.result()
            p, f, s = count(test["protocol"], text, code)
            totals = [a + b for a, b in zip(totals, (p, f, s))]
            print(f"{test['name']:<40} {p:5d} passed {f:3d} failed {s:3d} skipped  {seconds:6.1f} s",
                  flush=True)
            if f:
                print(text)
            for line in text.splitlines():  # say what was left out and why
                if s and ("# skip" in line.lower() or "Skipped:" in line):
                    print("    " + line.strip())
    print(f"{totals[0]} passed, {totals[1]} failed, {totals[2]} skipped")
    return 1 if totals[1] or not tests else 0


if __name__ == "__main__":
    sys.exit(main())
