# Reads the hand-written public headers: functions, structs and callback types with their comments.
# They keep to a plain style (one declaration at a time, `//` comments before it), which this checks.
import re

HEADERS = ["types.h", "tensor.h", "autograd.h", "memory.h", "random.h", "dlpack.h", "layers.h",
           "module.h", "containers.h", "optim.h", "scheduler.h", "io.h", "checkpoint.h",
           "data.h", "vision.h", "transforms.h", "models.h", "minitorch.h"]

ENUM_TYPES = {"mt_status", "mt_dtype", "mt_device", "mt_reduction", "mt_handle_class",
              "mt_cyclic_mode", "mt_interpolation", "mt_padding_mode", "mt_image_mode", "mt_image_format",
              "mt_auto_augment_policy"}


class HeaderError(Exception):
    pass


def chunks(text):
    """(section, comment under its title, comment, declaration) in order."""
    section, about, doc, decl, depth = "", "", [], [], 0
    for line in text.split("\n"):
        stripped = line.strip()
        if stripped.startswith("#"):
            if not line.rstrip().endswith("\\"):
                doc = []
            continue
        if not decl:
            m = re.match(r"// --- (.+?) -+$", stripped)
            if m:
                section, about, doc = m[1], "", []
                continue
            if stripped.startswith("//"):
                doc.append(stripped[2:].removeprefix(" "))
                continue
            if not stripped:
                about = about or doc_text(doc)  # the comment under a section's title
                doc = []
                continue
            if stripped in ('extern "C" {', "}"):
                continue
        decl.append(line)
        code = line.split("//")[0]
        depth += code.count("{") - code.count("}")
        if depth == 0 and code.rstrip().endswith(";"):
            yield section, about, doc, "\n".join(decl)
            decl, doc = [], []
    if decl:
        raise HeaderError("unfinished declaration:\n" + "\n".join(decl))


def strip_comments(code):
    return re.sub(r"//[^\n]*", "", code)


def squeeze(code):
    return re.sub(r"\s+", " ", code).strip()


def split_params(text):
    parts, depth, start = [], 0, 0
    for i, ch in enumerate(text):
        depth += ch == "("
        depth -= ch == ")"
        if ch == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return [p.strip() for p in parts + [text[start:]] if p.strip() and p.strip() != "void"]


def kind_of(ctype, name, nullable, classes, callbacks, structs):
    """What the argument means to a binding."""
    c = ctype.replace("const ", "").replace(" const", "").strip()
    m = re.fullmatch(r"(mt_\w+) ?(\*+)", re.sub(r"\s*\*\s*", "*", c).replace("**", "**"))
    m = re.fullmatch(r"(mt_\w+)(\*+)", c.replace(" ", ""))
    if m and m[1] in classes:
        if m[2] == "*":
            return "handle", m[1]
        return ("handles", m[1]) if ctype.startswith("const") else ("out_handle", m[1])
    if c.replace(" ", "") == "void*" and name == "handle":
        return "any_handle", None
    if m and m[1] in structs and m[2] == "*":
        return ("struct" if ctype.startswith("const") else "out_struct"), m[1]
    if c in callbacks:
        return ("destroy" if c == "mt_destroy_fn" else "callback"), c
    if c in ENUM_TYPES:
        return "enum", c
    if c == "char**":
        return "out_string", None
    if ctype.replace(" ", "") == "constchar*":
        return "string", None
    if "*" in c:
        if name == "user" or name == "data" or "void" in c:
            return ("out" if c.count("*") == 2 else "pointer"), None
        return ("in_array" if ctype.startswith("const") else "out"), None
    return "value", None


def param(text):
    nullable = "MT_NULLABLE" in text
    text = squeeze(text.replace("MT_NULLABLE", ""))
    m = re.fullmatch(r"(.+?)\s*(\**)\s*(\w+)", text)
    if not m:
        raise HeaderError(f"cannot read parameter '{text}'")
    ctype = m[1].strip() + (" " if m[2] and False else "") + m[2]
    return {"name": m[3], "type": re.sub(r"\s+\*", "*", ctype), "nullable": nullable}


def doc_text(lines):
    paragraphs, now = [], []
    for line in lines:
        if line.strip():
            now.append(line.strip())
        elif now:
            paragraphs.append(" ".join(now))
            now = []
    return "\n\n".join(paragraphs + ([" ".join(now)] if now else []))


def stock_doc(name):
    if name.endswith("_init"):
        return "Fills in the defaults."
    if name.endswith("_free"):
        return "Frees the handle. NULL is fine."
    return ""


def parse(include_dir, default_since, texts):
    """{functions, structs, callbacks, classes} of all hand-written headers present, and of those in
    `texts`, which are being made."""
    result = {"functions": [], "structs": [], "callbacks": [], "classes": []}
    pending = []
    for header in HEADERS:
        path = include_dir / header
        if header not in texts and not path.exists():
            continue
        previous_doc = {}
        for section, about, doc, decl in chunks(texts.get(header) or path.read_text()):
            code = squeeze(strip_comments(decl))
            text = doc_text(doc)
            m = re.search(r"\bSince (\d+\.\d+)\.", text)
            entry = {"header": "minitorch/" + header, "section": section, "doc": text,
                     "since": m[1] if m else default_since}
            if m := re.fullmatch(r"typedef struct (\w+) (\w+);", code):
                note = re.search(r"//\s*(.+)", decl)
                result["classes"].append({"name": m[1], **entry,
                                          "doc": note[1] if note else text})
            elif m := re.fullmatch(r"typedef struct (\w+) \{(.*)\} (\w+);", code):
                result["structs"].append({"name": m[1], "fields": fields(decl), **entry})
            elif m := re.fullmatch(r"typedef (.+?) ?\(\*(\w+)\)\((.*)\);", code):
                result["callbacks"].append({"name": m[2], "returns": m[1],
                                            "args": [param(p) for p in split_params(m[3])],
                                            **entry})
            elif m := re.fullmatch(r"MT_API (.+?) ?(\**)(mt_\w+)\((.*)\);", code):
                if not text:  # what speaks for itself, or is under one comment with others
                    entry["doc"] = stock_doc(m[3]) or previous_doc.get(section) or about or section
                previous_doc[section] = entry["doc"]
                pending.append({"name": m[3], "returns": m[1] + m[2],
                                "args": [param(p) for p in split_params(m[4])], **entry})
            elif code.startswith("enum {"):
                pass
            else:
                raise HeaderError(f"{header}: cannot read:\n{decl}")
    classes = {c["name"] for c in result["classes"]}
    callbacks = {c["name"] for c in result["callbacks"]}
    structs = {s["name"] for s in result["structs"]}
    for group in (pending, result["callbacks"]):
        for f in group:
            for a in f["args"]:
                a["kind"], a["class"] = kind_of(a["type"], a["name"], a["nullable"], classes,
                                                callbacks, structs)
    result["functions"] = pending
    return result


def fields(decl):
    body = decl[decl.index("{") + 1:decl.rindex("}")]
    out = []
    for line in body.split("\n"):
        code, _, note = line.partition("//")
        code = squeeze(code)
        if not code:
            continue
        m = re.fullmatch(r"(.+?)\s*(\**)(\w+);", code)
        f = re.fullmatch(r"(.+?) ?\(\*(\w+)\)\((.*)\);", code)
        if f:
            out.append({"name": f[2], "type": f"{f[1]} (*)({f[3]})", "doc": note.strip()})
        elif m:
            out.append({"name": m[3], "type": m[1] + m[2], "doc": note.strip()})
        else:
            raise HeaderError(f"cannot read member '{code}'")
    return out
