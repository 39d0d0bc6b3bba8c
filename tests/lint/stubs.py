# The Python binding's type stubs describe what is there: every public function, method, module and
# optimizer with its parameter names, and a typed program passes mypy where that is installed.
# Usage: stubs.py SOURCE_ROOT, with the binding importable.
import ast
import importlib
import inspect
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import types

from tap import Tap

FREE = {"__module__", "__doc__", "__dict__", "__weakref__", "__slots__", "__reduce__", "__hash__",
        "__annotations__", "__dlpack_device__", "__parameters__", "__orig_bases__"}


def stub_names(body):
    """{name: [nodes]} of the definitions and imports of a stub's or class's body."""
    out = {}
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            out.setdefault(node.name, []).append(node)
        elif isinstance(node, ast.AnnAssign):
            out.setdefault(node.target.id, []).append(node)
        elif isinstance(node, ast.Assign):
            out.setdefault(node.targets[0].id, []).append(node)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if alias.asname and not alias.asname.startswith("_"):
                    out.setdefault(alias.asname, []).append(alias)
    return out


def parameters(node):
    a = node.args
    return ([x.arg for x in a.posonlyargs + a.args], a.vararg and a.vararg.arg,
            [x.arg for x in a.kwonlyargs], a.kwarg and a.kwarg.arg)


def real_parameters(f, method):
    names, star, keywords, double = [], None, [], None
    for p in inspect.signature(f, follow_wrapped=False).parameters.values():
        if p.kind == p.VAR_POSITIONAL:
            star = p.name
        elif p.kind == p.VAR_KEYWORD:
            double = p.name
        else:
            (keywords if p.kind == p.KEYWORD_ONLY else names).append(p.name)
    if method:
        names[0] = method
    return names, star, keywords, double


def compare(where, f, nodes, method, problems):
    if any(isinstance(n, ast.FunctionDef) and any(
            isinstance(d, ast.Name) and d.id == "overload" for d in n.decorator_list) for n in nodes):
        known = set(sum(map(list, (real_parameters(f, method)[i] for i in (0, 2))), []))
        for n in nodes:
            extra = set(parameters(n)[0]) | set(parameters(n)[2])
            if not extra <= known:
                problems.append(f"{where}: an overload names {sorted(extra - known)}")
        return
    if isinstance(nodes[-1], ast.FunctionDef):
        stub, real = parameters(nodes[-1]), real_parameters(f, method)
        if stub != real:
            problems.append(f"{where}: stub {stub}, real {real}")


def check_class(where, cls, node, problems):
    known = stub_names(node.body)
    for name, value in vars(cls).items():
        if name in FREE or name.startswith("_") and not name.startswith("__"):
            continue
        if isinstance(value, types.MemberDescriptorType) or name in getattr(cls, "_fields", ()):
            continue
        if name not in known:
            if not hasattr(cls, "_fields"):
                problems.append(f"{where}.{name} has no stub")
        elif isinstance(value, (staticmethod, classmethod)):
            first = "cls" if isinstance(value, classmethod) or name == "__new__" else None
            compare(f"{where}.{name}", value.__func__, known[name], first, problems)
        elif isinstance(value, types.FunctionType):
            compare(f"{where}.{name}", value, known[name], "self", problems)


def check_module(name, root, problems):
    module = importlib.import_module(name)
    path = root / "bindings/python" / name.replace(".", "/")
    path = path / "__init__.pyi" if path.is_dir() else path.with_suffix(".pyi")
    if not path.exists():
        problems.append(f"{name} has no stub file")
        return 0
    known = stub_names(ast.parse(path.read_text()).body)
    public = getattr(module, "__all__", None) or [
        n for n, v in vars(module).items() if not n.startswith("_")
        and isinstance(v, (types.FunctionType, type)) and v.__module__ == name]
    for n in public:
        value = getattr(module, n)
        if isinstance(value, types.ModuleType) and not value.__name__.startswith("minitorch"):
            continue
        if n not in known:
            problems.append(f"{name}.{n} has no stub")
        elif isinstance(value, types.FunctionType):
            compare(f"{name}.{n}", value, known[n], None, problems)
        elif isinstance(value, type) and isinstance(known[n][-1], ast.ClassDef):
            check_class(f"{name}.{n}", value, known[n][-1], problems)
    return len(public)


def mypy(root):
    """Problems of tests/python/typed_program.py under mypy --strict."""
    program = root / "tests/python/typed_program.py"
    wanted = {i for i, line in enumerate(program.read_text().splitlines(), 1)
              if line.endswith("# error")}
    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run(
            ["mypy", "--strict", "--no-incremental", "--cache-dir", cache, "--no-error-summary",
             "--python-executable", "/usr/bin/python3", str(program)],
            capture_output=True, text=True, cwd=cache,
            env={"MYPYPATH": str(root / "bindings/python"), "PATH": "/usr/bin:/bin"})
    problems, found = [], set()
    for line in (done.stdout + done.stderr).splitlines():
        at = re.match(r".*typed_program\.py:(\d+): error", line)
        if at and int(at[1]) in wanted:
            found.add(int(at[1]))
        elif ": note:" not in line:
            problems.append(line)
    return problems + [f"line {n}: mypy sees no error" for n in sorted(wanted - found)]


def main():
    root = pathlib.Path(sys.argv[1])
    tap = Tap()
    modules = ["minitorch", "minitorch._tensor", "minitorch._ops", "minitorch._api"] + sorted(
        "minitorch." + ".".join(p.relative_to(root / "bindings/python/minitorch").with_suffix(
            "").parts).removesuffix(".__init__")
        for p in (root / "bindings/python/minitorch").rglob("*.py")
        if not any(part.startswith("_") and part != "__init__.py" for part in p.relative_to(
            root / "bindings/python/minitorch").parts) and p.parent.name != "minitorch"
        or p.parent.name == "minitorch" and not p.name.startswith("_"))
    for name in modules:
        problems = []
        n = check_module(name, root, problems)
        tap.case(f"the stub of {name} has its {n} names", problems)
    if shutil.which("mypy"):
        tap.case("a typed program passes mypy --strict, and its mistakes do not", mypy(root))
    else:
        tap.skip("a typed program passes mypy --strict", "mypy is not installed")
    tap.finish()


if __name__ == "__main__":
    main()
