# The output of the lint tests: one line of TAP a case, problems as comments before it.
import sys


class Tap:
    def __init__(self):
        self.results = []

    def case(self, name, problems=()):
        """`problems`: a text or a list of lines; none means passed."""
        lines = problems.splitlines() if isinstance(problems, str) else list(problems)
        self.results.append(not lines)
        for line in lines:
            print("#", line)
        print("not ok" if lines else "ok", len(self.results), "-", name, flush=True)

    def skip(self, name, why):
        self.results.append(True)
        print(f"ok {len(self.results)} - {name} # skip {why}", flush=True)

    def finish(self):
        print(f"1..{len(self.results)}")
        sys.exit(not all(self.results))
