# Every public header compiles alone, as C11 and C++20 with -pedantic -Werror, and loads as text in
# cffi and LuaJIT. Usage: headers.py SOURCE_ROOT [CC [CXX]]
import pathlib
import shutil
import subprocess
import sys
import tempfile

from tap import Tap


def run(*command, stdin=None):
    return subprocess.run(command, input=stdin, capture_output=True, text=True)


def main():
    root = pathlib.Path(sys.argv[1])
    cc = sys.argv[2] if len(sys.argv) > 2 else "cc"
    cxx = sys.argv[3] if len(sys.argv) > 3 else "c++"
    include = root / "include"
    tap = Tap()
    flags = ["-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only", f"-I{include}"]
    headers = sorted((include / "minitorch").glob("*.h"))
    for header in headers:
        text = f'#include "minitorch/{header.name}"\n'
        for compiler, language in ((cc, ["-std=c11", "-xc"]), (cxx, ["-std=c++20", "-xc++"])):
            result = run(compiler, *language, *flags, "-", stdin=text)
            tap.case(f"{header.name} {language[0]}", result.stderr if result.returncode else "")
    face = include / "minitorch/minitorch.hpp"
    if face.exists():
        result = run(cxx, "-std=c++20", "-xc++", *flags, "-",
                     stdin='#include "minitorch/minitorch.hpp"\n')
        tap.case(face.name, result.stderr if result.returncode else "")

    plain = run(cc, "-std=c11", "-E", "-P", "-DMINITORCH_FFI_PARSE", f"-I{include}",
                str(include / "minitorch/minitorch.h"))
    left = [w for w in ("#", "__attribute__", "MT_API", "MT_NULLABLE", "extern", "__extension__")
            if w in plain.stdout]
    tap.case("plain declarations after the preprocessor",
         plain.stderr if plain.returncode else " ".join(left))
    try:
        import cffi
        ffi = cffi.FFI()
        ffi.cdef(plain.stdout)
        ffi.typeof("mt_tensor *")
        tap.case("cffi", "")
    except ImportError:
        tap.skip("cffi", "cffi is not installed")
    except Exception as e:
        tap.case("cffi", str(e))
    luajit = shutil.which("luajit")
    if luajit:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "api.h"
            path.write_text(plain.stdout)
            script = pathlib.Path(folder) / "load.lua"
            script.write_text("local f = assert(io.open(arg[1])) local ffi = require('ffi') "
                              "ffi.cdef(f:read('*a')) assert(ffi.typeof('mt_tensor *'))\n")
            result = run(luajit, str(script), str(path))
            tap.case("luajit", result.stderr if result.returncode else "")
    else:
        tap.skip("luajit", "luajit is not installed")
    tap.finish()


if __name__ == "__main__":
    main()
