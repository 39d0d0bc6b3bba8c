#!/usr/bin/python3
"""Runs every test program of a build folder and counts their real cases.

Programs are listed by Meson; GoogleTest, TAP and unittest outputs are read. The last line is
"N passed, N failed, N skipped". Usage: run_all.py BUILDDIR [name filter ...]

A build with -Db_sanitize=address leaves the lint programs out, and loads the sanitizer's library into
Python, which was not built with it.
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


def option(build, name):
    """The value of a Meson option."""
    options = json.loads(subprocess.check_output(["meson", "introspect", "--buildoptions", build]))
    return next(o["value"] for o in options if o["name"] == name)


def sanitizer_library(build):
    """The runtime to preload into programs that were not linked with it."""
    targets = json.loads(subprocess.check_output(["meson", "introspect", "--targets", build]))
    compiler = next(s["compiler"] for t in targets for s in t["target_sources"]
                    if s["language"] == "cpp")
    clang = any("clang" in part for part in compiler)
    name = f"libclang_rt.asan-{os.uname().machine}.so" if clang else "libasan.so"
    return subprocess.check_output([*compiler, "-print-file-name=" + name], text=True).strip()


def run(test, build, preload):
    env = dict(os.environ)
    env.update(test["env"])
    if preload and "python" in os.path.basename(test["cmd"][0]):
        env["LD_PRELOAD"] = preload
        env["ASAN_OPTIONS"] = ("allocator_may_return_null=1:max_allocation_size_mb=6144:"
                               "detect_leaks=0")  # Python keeps much
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
    preload = None
    if "address" in option(build, "b_sanitize"):
        tests = [t for t in tests if not t["name"].startswith("lint_")]
        preload = sanitizer_library(build)
    totals = [0, 0, 0]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = {pool.submit(run, t, build, preload): t for t in sorted(tests, key=lambda t: t["priority"])}
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
