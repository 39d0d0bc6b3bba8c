# The contents of api.toml as Python objects, checked: ops with their C functions, and enums.
# Used by gen.py's emitters and by those of the bindings.
import re
import tomllib
from dataclasses import dataclass, field

# kind -> C parameter type; lists and callbacks are spelt out in c_params().
SCALAR_C = {
    "int": "int64_t", "float": "double", "bool": "bool", "scalar": "double",
    "string": "const char *", "dtype": "mt_dtype", "dtype?": "mt_dtype", "device": "mt_device",
    "device?": "mt_device", "reduction": "mt_reduction",
    "generator?": "mt_generator *MT_NULLABLE ",
    "int?": "const int64_t *MT_NULLABLE ", "float?": "const double *MT_NULLABLE ",
    "scalar?": "const double *MT_NULLABLE ",
}
LIST_C = {"ints": "const int64_t *", "floats": "const double *"}
KINDS = set(SCALAR_C) | set(LIST_C) | {"tensor", "tensor?", "tensors", "tensors?"}
RETURN_C = {"tensor": "mt_tensor **", "tensors": "mt_tensors **", "bool": "bool *",
            "int": "int64_t *", "float": "double *", "dtype": "mt_dtype *"}
OP_KEYS = {"args", "full", "returns", "doc", "notes", "cpp", "c", "inplace", "inplace_only",
           "scalar", "differentiable", "methods", "namespace", "since", "python", "header", "options"}
MAX_KNOBS = 3


class SpecError(Exception):
    pass


@dataclass
class Arg:
    name: str
    kind: str
    default: object = None
    has_default: bool = False


@dataclass
class Function:
    """One C function of an op."""
    name: str
    op: "Op"
    args: list          # those it takes
    form: str           # "out" or "inplace"
    full: bool = True   # takes every argument of the op
    scalar: tuple = ()    # the arguments that are doubles instead of tensors

    def in_struct(self, arg):
        """Whether the argument comes in the op's options struct."""
        return self.full and bool(self.op.options) and arg.name in self.op.struct_args()

    def has_struct(self):
        return any(self.in_struct(a) for a in self.args)


@dataclass
class Op:
    name: str
    family: str
    args: list
    n_short: int        # arguments of the short form
    full: str
    returns: list       # of (name, kind)
    doc: str
    notes: str
    cpp: str
    c: str
    inplace: bool
    inplace_only: bool
    scalar: tuple
    differentiable: bool
    methods: str
    namespace: str
    since: str
    python: str
    header: str
    options: str = ""   # the struct that holds the knobs after the bar in the full form
    functions: list = field(default_factory=list)

    def struct_args(self):
        """{name: Arg} of the knobs that are members of the options struct."""
        return {a.name: a for a in self.args[self.n_short:]
                if a.kind not in ("tensor?", "generator?")} if self.options else {}


@dataclass
class Api:
    since: str
    enums: dict
    families: dict
    ops: list
    layers: list = field(default_factory=list)  # those of layers.toml

    def structs(self):
        """{name: (the first op that takes it, its members)} of the options structs. Ops that share
        one have the same knobs."""
        out = {}
        for op in self.ops:
            if not op.options:
                continue
            members = list(op.struct_args().values())
            first = out.setdefault(op.options, (op, members))
            if first[1] != members:
                raise SpecError(f"{op.name}: {op.options} differs from that of {first[0].name}")
        return out


def _split(text):
    """Splits at commas outside brackets and quotes."""
    parts, depth, quoted, start = [], 0, False, 0
    for i, ch in enumerate(text):
        if ch == '"':
            quoted = not quoted
        elif not quoted and ch in "[(":
            depth += 1
        elif not quoted and ch in "])":
            depth -= 1
        elif ch == "," and depth == 0 and not quoted:
            parts.append(text[start:i])
            start = i + 1
    parts.append(text[start:])
    return [p.strip() for p in parts if p.strip()]


def _default(kind, text):
    if text == "none":
        if not kind.endswith("?"):
            raise SpecError(f"default none for kind {kind}")
        return None
    if text in ("true", "false"):
        return text == "true"
    if text.startswith('"'):
        return text[1:-1]
    if text.startswith("["):
        return [int(v) for v in _split(text[1:-1])]
    if kind in ("reduction", "device", "dtype", "dtype?"):
        return text
    return float(text) if kind.startswith("float") else (
        float(text) if re.search(r"[.en]", text) else int(text))


def _args(where, text):
    out = []
    for part in _split(text):
        m = re.fullmatch(r"(\w+)\s*:\s*(\w+\??)\s*(?:=\s*(.+))?", part)
        if not m or m[2] not in KINDS:
            raise SpecError(f"{where}: cannot read argument '{part}'")
        arg = Arg(m[1], m[2])
        if m[3] is not None:
            arg.default, arg.has_default = _default(m[2], m[3].strip()), True
        elif m[2].endswith("?") and m[2] != "tensors?":
            arg.has_default = True
        out.append(arg)
    return out


def _scalar_args(where, t, args):
    scalar = t.get("scalar", False)
    if not scalar:
        return ()
    names = (args[1].name,) if scalar is True else tuple(scalar)
    kinds = {a.name: a.kind for a in args}
    if any(kinds.get(n) not in ("tensor", "tensor?") for n in names):
        raise SpecError(f"{where}: scalar needs tensor arguments")
    return names


def _op(family, name, t, since):
    where = f"[{family}.{name}]"
    unknown = set(t) - OP_KEYS
    if unknown:
        raise SpecError(f"{where}: unknown keys {sorted(unknown)}")
    short, bar, rest = t.get("args", "").partition("|")
    args = _args(where, short)
    n_short = len(args)
    args += _args(where, rest)
    if bar and "full" not in t:
        raise SpecError(f"{where}: a bar needs `full`")
    if any(not a.has_default for a in args[n_short:]):
        raise SpecError(f"{where}: arguments after the bar need defaults")
    knobs = [a for a in args if a.has_default and a.kind not in ("tensor?", "generator?")]
    if len(knobs) > MAX_KNOBS and "options" not in t:
        raise SpecError(f"{where}: more than {MAX_KNOBS} knobs: give an options struct")
    if "options" in t and not bar:
        raise SpecError(f"{where}: options need a bar")
    doc = t.get("doc", "")
    if not doc.endswith(".") or "\n" in doc:
        raise SpecError(f"{where}: doc must be one line ending with a full stop")
    returns = t.get("returns", "tensor")
    if ":" in returns:
        returns = [(a.name, a.kind) for a in _args(where, returns)]
    else:
        returns = [("out", returns)]
    for _, kind in returns:
        if kind not in RETURN_C:
            raise SpecError(f"{where}: cannot return {kind}")
    op = Op(name=name, family=family, args=args, n_short=n_short, full=t.get("full", name),
            returns=returns, doc=doc, notes=t.get("notes", "").strip(),
            cpp=t.get("cpp", f"mt::{name}"), c=t.get("c", f"mt_{name}"),
            inplace=t.get("inplace", False) or t.get("inplace_only", False),
            inplace_only=t.get("inplace_only", False), scalar=_scalar_args(where, t, args),
            differentiable=t.get("differentiable", True), methods=t.get("methods", "both"),
            namespace=t.get("namespace", ""), since=t.get("since", since),
            python=t.get("python", name), header=t.get("header", ""),
            options=t.get("options", ""))
    if op.methods not in ("both", "function", "method", "none"):
        raise SpecError(f"{where}: methods = {op.methods!r}")
    if op.inplace and (not args or args[0].kind != "tensor"):
        raise SpecError(f"{where}: in-place needs a tensor as first argument")
    forms = [] if op.inplace_only else ["out"]
    if op.inplace:
        forms.append("inplace")
    has_rest = len(args) > n_short
    full_c = "mt_" + op.full if has_rest else op.c
    for form in forms:
        tail = "_" if form == "inplace" else ""
        op.functions.append(Function(op.c + tail, op, args[:n_short], form, not has_rest))
        if has_rest:
            op.functions.append(Function(full_c + tail, op, args, form))
        if op.scalar:
            op.functions.append(
                Function(f"{op.c}_scalar{tail}", op, args[:n_short], form, not has_rest, op.scalar))
    return op


def load(path):
    with open(path, "rb") as f:
        data = tomllib.load(f)
    since = data.pop("since")
    enums = data.pop("enum")
    families = data.pop("family")
    ops = []
    for family, table in data.items():
        if family not in families:
            raise SpecError(f"[{family}.*]: no [family.{family}]")
        ops += [_op(family, name, t, since) for name, t in table.items()]
    seen = {}
    for op in ops:
        for fn in op.functions:
            if fn.name in seen:
                raise SpecError(f"{fn.name} is made by both {seen[fn.name]} and {op.name}")
            seen[fn.name] = op.name
    api = Api(since, enums, families, ops)
    api.structs()
    return api


def c_params(fn):
    """(C declaration of type ending where the name goes, name, kind, role) of each parameter."""
    out = []
    if fn.form == "out":
        out += [(RETURN_C[kind], name, kind, "out") for name, kind in fn.op.returns]
    for i, a in enumerate(fn.args):
        if fn.in_struct(a):
            continue
        if a.name in fn.scalar:
            optional = a.kind == "tensor?"
            out.append(("const double *MT_NULLABLE " if optional else "double ", a.name,
                        "number?" if optional else "number", "in"))
        elif a.kind == "tensor":
            const = "" if i == 0 and fn.form == "inplace" else "const "
            out.append((f"{const}mt_tensor *", a.name, "tensor", "in"))
        elif a.kind == "tensor?":
            out.append(("const mt_tensor *MT_NULLABLE ", a.name, "tensor?", "in"))
        elif a.kind in ("tensors", "tensors?"):
            out.append(("const mt_tensor *const *", a.name, a.kind, "in"))
            out.append(("size_t ", "n_" + a.name, "count", "count"))
        elif a.kind in LIST_C:
            out.append((LIST_C[a.kind] + "MT_NULLABLE ", a.name, a.kind, "in"))
            out.append(("size_t ", "n_" + a.name, "count", "count"))
        else:
            c = SCALAR_C[a.kind]
            out.append((c if c.endswith("*") or c.endswith(" ") else c + " ", a.name, a.kind, "in"))
    if fn.has_struct():
        out.append((f"const {fn.op.options} *MT_NULLABLE ", "options", "struct", "in"))
    return out


def struct_fields(members):
    """(C type ending where the name goes, name, the argument it belongs to) of a struct's members."""
    out = [("size_t ", "struct_size", None)]
    for a in members:
        if a.kind in LIST_C:
            out += [(LIST_C[a.kind], a.name, a), ("size_t ", "n_" + a.name, a)]
        else:
            c = SCALAR_C[a.kind].replace("MT_NULLABLE ", "")
            out.append((c if c.endswith("*") else c + " ", a.name, a))
    return out
