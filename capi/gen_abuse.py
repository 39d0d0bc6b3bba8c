# Emits tests/capi/handle_abuse_generated.c: every handle argument of every function is given NULL,
# a freed handle, one of another class and made-up values; each must give its own status.
from gen_c import MARK

HEAD = f"""\
// Every handle argument of every function of the API, called with NULL, freed, foreign and made-up
// handles. Each must give its own status, a message that names function and argument, and no result.
// {MARK}
#include "handle_abuse.h"
"""


def constant(cls):
    return "MT_HANDLE_" + cls.removeprefix("mt_").upper()


def argument(i, a, args, under_test, structs, initialisers):
    """The C expression for argument i while argument `under_test` is abused."""
    kind, name = a["kind"], a["name"]
    if kind == "handle":
        if i == under_test:
            return f"({a['class']} *)bad"
        return "NULL" if a["nullable"] else f"({a['class']} *)abuse_valid({constant(a['class'])})"
    if kind == "any_handle":
        return "bad"
    if kind == "handles":
        return "list" if i == under_test else "abuse_list()"
    if kind in ("out", "out_handle", "out_string", "out_struct"):
        return "(void *)abuse_out()" if a["type"].count("*") == 1 else "(void **)abuse_out()" \
            if a["type"].startswith("void") else f"({a['type']})abuse_out()"
    if kind == "struct":
        if a["nullable"]:
            return "NULL"
        return f"&{name}_"
    if kind == "count" or (a["type"] == "size_t" and i > 0):
        before = args[i - 1]
        return "1" if before["kind"] == "handles" else "0"
    if kind in ("string",) and "*" in a["type"]:
        return '"x"'
    if "*" in a["type"] or kind in ("callback", "destroy", "pointer", "in_array"):
        return "NULL"
    return "false" if a["type"] == "bool" else "0"


def abuse_c(data):
    initialisers = {f["name"] for f in data["functions"] if f["name"].endswith("_init")}
    out, rows = [HEAD], []
    for f in data["functions"]:
        for i, a in enumerate(f["args"]):
            if a["kind"] not in ("handle", "handles", "any_handle"):
                continue
            n = len(rows)
            lines = [f"static mt_status call_{n}(const void *bad) {{"]
            if a["kind"] == "handles":
                lines.append("  const mt_tensor *list[1] = {(const mt_tensor *)bad};"
                             if a["class"] == "mt_tensor" else
                             f"  const {a['class']} *list[1] = {{(const {a['class']} *)bad}};")
            for b in f["args"]:
                if b["kind"] == "struct" and not b["nullable"]:
                    lines.append(f"  {b['class']} {b['name']}_;")
                    if b["class"] + "_init" in initialisers:
                        lines.append(f"  {b['class']}_init(&{b['name']}_);")
            args = ", ".join(argument(j, b, f["args"], i, None, initialisers)
                             for j, b in enumerate(f["args"]))
            lines += [f"  return {f['name']}({args});", "}"]
            out.append("\n".join(lines))
            flags = []
            if a["nullable"] or a["kind"] == "handles" and nullable_entries(f, a):
                flags.append("ABUSE_NULL_OK")
            if i == 0 and f["name"] == f"{a['class']}_free":
                flags.append("ABUSE_FREES")
            cls = "MT_HANDLE_ANY" if a["kind"] == "any_handle" else constant(a["class"])
            rows.append(f'    {{call_{n}, "{f["name"]}", "{a["name"]}", {cls}, '
                        f'{" | ".join(flags) or "0"}}},')
    out.append("static const struct abuse_case cases[] = {\n" + "\n".join(rows) + "\n};")
    out.append("int main(void) { return abuse_run(cases, sizeof cases / sizeof cases[0]); }")
    return {"tests/capi/handle_abuse_generated.c": "\n\n".join(out) + "\n"}


def nullable_entries(f, a):
    """Whether NULL is allowed inside the array: said in the comment, or by the op's kind."""
    return a.get("nullable_entries", False) or "NULL entries are" in f["doc"]
