# Types for gen_stubs.py: what a parameter, a default or a function without annotations is, and how an
# annotation reads inside a stub, where names such as `int` and `dtype` may mean a member.
import ast
import inspect
import re
import textwrap
import types

# Builtins and classes that modules or the class Tensor hide behind names of torch.
HIDDEN = {"int", "float", "bool", "complex", "type", "slice"}
HIDDEN_HERE = {"dtype": "minitorch._runtime", "device": "minitorch._runtime"}

# Where the other names of annotations come from.
KNOWN = {name: "typing" for name in
         ("Any", "Callable", "Generic", "IO", "Iterable", "Iterator", "Literal", "Mapping", "NamedTuple",
          "NoReturn", "Protocol", "Self", "Sequence", "TypeVar", "Union", "overload")}
KNOWN.update({"OrderedDict": "collections", "namedtuple": "collections", "PathLike": "os",
              "ModuleType": "types", "Tensor": "minitorch._tensor", "Size": "minitorch._tensor",
              "Module": "minitorch.nn.module", "Parameter": "minitorch.nn.module",
              "Builtin": "minitorch.nn._builtin", "RemovableHandle": "minitorch._graph",
              "BuiltinLoss": "minitorch.nn._builtin", "LayerInfo": "minitorch.nn._builtin",
              "Generator": "minitorch._random", "Number": "minitorch._typing", "Ints": "minitorch._typing",
              "DType": "minitorch._typing", "Device": "minitorch._typing"})

# api.toml's kinds.
KINDS = {"tensor": "Tensor", "tensor?": "Tensor | None", "tensors": "Sequence[Tensor]",
         "tensors?": "Sequence[Tensor | None]", "int": "int", "int?": "int | None",
         "float": "float", "float?": "float | None", "bool": "bool", "scalar": "Number",
         "scalar?": "Number | None", "ints": "Ints", "floats": "Any", "string": "str", "dtype": "DType | None",
         "dtype?": "DType | None", "device": "Device | None", "device?": "Device | None",
         "reduction": "str", "generator?": "Generator | None"}
RETURNS = {"tensor": "Tensor", "tensors": "tuple[Tensor, ...]", "bool": "bool", "int": "int",
           "float": "float", "dtype": "dtype"}

# Parameters without annotation, by torch's customary names.
NAMES = {"input": "Tensor", "tensor": "Tensor", "other": "Tensor | Number", "target": "Tensor",
         "src": "Tensor | Number", "index": "Tensor", "mask": "Tensor", "condition": "Tensor",
         "weight": "Tensor", "size": "Ints", "sizes": "Ints", "shape": "Ints", "dims": "Ints",
         "dim": "Ints", "dim0": "int", "dim1": "int", "axis0": "int", "axis1": "int", "n": "int",
         "keepdim": "bool", "dtype": "DType", "device": "Device", "requires_grad": "bool",
         "generator": "Generator", "out": "Tensor", "p": "float", "eps": "float", "reduction": "str",
         "rounding_mode": "str", "unbiased": "bool", "correction": "int", "inplace": "bool",
         "training": "bool", "size_average": "bool", "reduce": "bool", "tensors": "Sequence[Tensor]",
         "memory_format": "Any", "layout": "Any", "pin_memory": "bool", "module": "Module",
         "name": "str", "lr": "float", "betas": "tuple[float, float]", "weight_decay": "float",
         "params": "Iterable[Any]", "foreach": "bool", "fused": "bool", "std": "float",
         "mean": "float", "kernel_size": "Ints", "stride": "Ints", "padding": "Ints | str",
         "dilation": "Ints", "padding_mode": "str", "normalized_shape": "Ints",
         "output_size": "Any", "bias": "Any", "pos_weight": "Tensor", "n_outputs": "int"}
OTHER = "Tensor | Number"
OPERATORS = {"add", "sub", "mul", "truediv", "pow", "matmul", "mod", "floordiv", "and", "or", "xor",
             "lshift", "rshift", "eq", "ne", "lt", "le", "gt", "ge"}
DUNDERS = {"__init__": "None", "__len__": "int", "__bool__": "bool", "__float__": "float",
           "__int__": "int", "__index__": "int", "__hash__": "int", "__repr__": "str",
           "__str__": "str", "__format__": "str", "__contains__": "bool", "__enter__": "Any",
           "__exit__": "None", "__setitem__": "None", "__delattr__": "None", "__neg__": "Tensor",
           "__setattr__": "None", "__abs__": "Tensor", "__pos__": "Tensor", "__invert__": "Tensor",
           "__eq__": "bool", "__ne__": "bool", "__dir__": "list[str]"}


def rewrite(text, module):
    """An annotation with the names that a stub may hide replaced: int -> _int."""
    def one(match):
        word = match[0]
        hidden = word in HIDDEN or HIDDEN_HERE.get(word, module) != module
        return "_" + word if hidden else word
    return re.sub(r"\"[^\"]*\"|'[^']*'|(?<![\w.])[A-Za-z_]\w*", one, text)


def words(text):
    """The free names of stub text: those whose import it needs."""
    text = re.sub(r"\"[^\"]*\"|'[^']*'", "", text)
    return set(re.findall(r"(?<![\w.])[A-Za-z_]\w*", text))


def annotation_text(annotation):
    """The source text of an annotation, or None where there is none."""
    if annotation is inspect.Parameter.empty:
        return None
    if annotation is None:
        return "None"
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return text.strip("'\"")


def optional(text, default):
    if default is None and text != "Any" and "None" not in words(text):
        return text + " | None"
    return text


def parameter_type(p):
    """The type of a parameter of a hand-written function."""
    given = annotation_text(p.annotation)
    if given:
        return given
    if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
        return {"Tensor": "Tensor", "Ints": "Ints"}.get(
            "Tensor" if p.name == "tensors" else NAMES.get(p.name), "Any")
    if type(p.default) in (bool, str):
        return type(p.default).__name__
    if p.name in NAMES:
        return optional(NAMES[p.name], p.default)
    if type(p.default) in (int, float):
        return "float"
    return "Any"


def default_text(value):
    """A default as the stub shows it: plain values as they are."""
    if value is None or type(value) in (bool, int, str) or (type(value) is float and value == value
                                                            and abs(value) != float("inf")):
        return repr(value)
    if type(value) is tuple and all(type(v) in (bool, int, float, str) for v in value):
        return repr(value)
    return "..."


class Returns:
    """Return types of functions without annotation, read off what they return."""

    def __init__(self, op_types, method_type):
        self._ops = op_types          # name of a function of _ops -> type
        self._method = method_type    # name of a Tensor method -> function object or None
        self._memo = {}

    # Helpers of the binding's own.
    HELPERS = {"_own": "Tensor", "_wrap": "Tensor", "_wrap_list": "tuple[Tensor, ...]",
               "_text": "str", "_finish": "Tensor"}

    def of(self, f):
        f = inspect.unwrap(f, stop=lambda g: g.__name__.startswith("<"))
        if not isinstance(f, types.FunctionType):
            return "Any"
        given = annotation_text(inspect.signature(f, follow_wrapped=False).return_annotation)
        if given:
            return given
        if f.__name__ in self.HELPERS:
            return self.HELPERS[f.__name__]
        if f.__module__ == "minitorch._ops":
            return self._ops.get(f.__name__, "Any")
        if f not in self._memo:
            self._memo[f] = "Any"  # while a recursive function is looked at
            self._memo[f] = self._look(f)
        return self._memo[f]

    def _look(self, f):
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(f))).body[0]
        except (OSError, SyntaxError, IndexError):
            return "Any"
        if not isinstance(tree, ast.FunctionDef):
            return "Any"
        returns, stack = [], list(tree.body)
        while stack:
            node = stack.pop()
            if isinstance(node, (ast.FunctionDef, ast.Lambda, ast.ClassDef)):
                continue
            if isinstance(node, (ast.Yield, ast.YieldFrom)):
                return "Iterator[Any]"
            if isinstance(node, ast.Return) and node.value is not None:
                returns.append(node.value)
            stack += list(ast.iter_child_nodes(node))
        names = {p.name: parameter_type(p)
                 for p in inspect.signature(f, follow_wrapped=False).parameters.values()}
        if f.__qualname__.startswith("Tensor."):
            names["self"] = "Tensor"
        if not returns:
            return "None" if not _only_raises(tree) else "Any"
        found = {self._expression(r, f, names) for r in returns}
        return found.pop() if len(found) == 1 else "Any"

    def _expression(self, e, f, names):
        if isinstance(e, ast.Name):
            kind = names.get(e.id, "Any")
            return kind if kind == "Tensor" else "Any"
        if isinstance(e, ast.IfExp):
            a, b = self._expression(e.body, f, names), self._expression(e.orelse, f, names)
            return a if a == b else "Any"
        if isinstance(e, (ast.BinOp, ast.UnaryOp, ast.Subscript)):
            parts = [e.left, e.right] if isinstance(e, ast.BinOp) else [
                e.operand if isinstance(e, ast.UnaryOp) else e.value]
            return "Tensor" if any(self._expression(x, f, names) == "Tensor" for x in parts) \
                else "Any"
        if isinstance(e, ast.Constant):
            return type(e.value).__name__ if e.value is not None else "None"
        if not isinstance(e, ast.Call):
            return "Any"
        target = self._target(e.func, f, names)
        return self.of(target) if isinstance(target, types.FunctionType) else "Any"

    def _target(self, e, f, names):
        if isinstance(e, ast.Name):
            return f.__globals__.get(e.id) or _closure(f).get(e.id)
        if isinstance(e, ast.Attribute):
            owner = self._target(e.value, f, names) if isinstance(e.value, ast.Name) else None
            if isinstance(owner, types.ModuleType):
                return getattr(owner, e.attr, None)
            if self._expression(e.value, f, names) == "Tensor":
                return self._method(e.attr)
        return None


def _closure(f):
    return {n: c.cell_contents for n, c in zip(f.__code__.co_freevars, f.__closure__ or ())}


def _only_raises(tree):
    body = [s for s in tree.body
            if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    return bool(body) and isinstance(body[-1], ast.Raise)


def attributes(cls):
    """{name: type} of the public attributes that __init__ sets on self."""
    found, init = {}, cls.__dict__.get("__init__")
    if not isinstance(init, types.FunctionType):
        return found
    params = inspect.signature(init, follow_wrapped=False).parameters
    try:
        source = textwrap.dedent(inspect.getsource(init))
    except OSError:  # of a generated file that is not yet on disk: its classes have annotations
        return found
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, (ast.Assign, ast.AnnAssign)):
            continue
        for target in getattr(node, "targets", None) or [node.target]:
            pairs = [(target, node.value)]
            if isinstance(target, ast.Tuple):
                values = node.value.elts if isinstance(node.value, ast.Tuple) else [None] * 99
                pairs = list(zip(target.elts, values))
            for t, value in pairs:
                if not (isinstance(t, ast.Attribute) and isinstance(t.value, ast.Name)
                        and t.value.id == "self") or t.attr.startswith("_"):
                    continue
                kind = "Any"
                if isinstance(node, ast.AnnAssign):
                    kind = ast.unparse(node.annotation)
                elif isinstance(value, ast.Name) and value.id in params:
                    kind = parameter_type(params[value.id])
                found.setdefault(t.attr, kind)
    return found
