"""Join modules into one script: anywidget takes a view as one string, and so does a page that needs no kernel.

Rule: no bundler, no generated file. Each module becomes a function that returns what
it exports, so that its other names stay its own; a browser's import of a relative
file would not work, since a notebook has no address for one. The modules keep to a
few forms of `import` and `export`; any other raises.
"""

from __future__ import annotations

import re
from pathlib import Path

STATIC = Path(__file__).parent / "static"
"""Where the scripts and styles of the views are."""

_IMPORT = re.compile(r'^import \{([\w\s,$]+)\} from "(\.[^"]+)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) ([\w$]+))", re.MULTILINE)
_NOTHING = re.compile(r"^export \{\};$", re.MULTILINE)
_DEFAULT = re.compile(r"^export default ", re.MULTILINE)
_ANY = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


def join(entry: Path) -> str:
    """Return a module with all that it imports as one module; only its `export default` is left.

    Raises ValueError for an import or export of another form, an import of a name that
    is not exported, and modules that import each other in a circle; OSError where a
    file cannot be read.
    """
    exports: dict[Path, list[str]] = {}
    parts: list[str] = []

    def add(path: Path, above: tuple[Path, ...]) -> None:
        if path in above:
            raise ValueError(f"{path.name} imports itself, by {', '.join(p.name for p in above)}")
        if path in exports:
            return
        text = path.read_text("utf-8")
        for names, where in _IMPORT.findall(text):
            other = (path.parent / where).resolve()
            add(other, (*above, path))
            missing = set(_names(names)) - set(exports[other])
            if missing:
                raise ValueError(f"{path.name} imports {', '.join(sorted(missing))}, which {where} does not export")
        number = {p: n for n, p in enumerate(exports)}
        text = _IMPORT.sub(lambda m: f"const {{{m[1]}}} = module{number[(path.parent / m[2]).resolve()]};", text)
        exports[path] = _EXPORT.findall(text)
        text = _NOTHING.sub("", _EXPORT.sub("", text))
        if not above:
            text, defaults = _DEFAULT.subn("return ", text)
            if defaults != 1:
                raise ValueError(f"{path.name} needs one `export default`")
            returned = ""
        else:
            returned = f"return {{ {', '.join(exports[path])} }};\n"
        strange = _ANY.search(text)
        if strange:
            raise ValueError(f"{path.name}: this form cannot be joined: {strange[0]}")
        parts.append(f"// {path.name}\nconst module{len(exports) - 1} = (() => {{\n{text}{returned}}})();\n")

    add(entry.resolve(), ())
    return "\n".join([*parts, f"export default module{len(exports) - 1};\n"])


def _names(listed: str) -> list[str]:
    return [name.strip() for name in listed.split(",") if name.strip()]
