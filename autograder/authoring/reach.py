"""What code reaches in packages: the definitions that it names, those that they name, and so on.

A lesson that uses three functions of a module doesn't depend on the fourth, nor on comments and docstrings. Methods of
a class without bases count if their name is mentioned anywhere in what is reached; what inherits counts whole, since a
library may call it by names that stand nowhere.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

_DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Reach:
    """Collects what is reached from pieces of code. `root` is the folder that holds the packages."""

    def __init__(self, root: Path, *packages: str):
        self.root, self.packages = root, packages
        self._found: dict[tuple[str, int, str], str] = {}  # (module, place, member) -> code
        self._seen: set[tuple[str, str | None]] = set()
        self._mentioned: set[str] = set()
        self._top: dict[str, dict[str, tuple[str, str | None]]] = {}
        self._paths: dict[str, Path | None] = {}
        self._methods: dict[str, list[tuple[tuple[str, int, str], ast.stmt, str]]] = {}  # not mentioned yet

    @property
    def modules(self) -> set[str]:
        """The modules of which something is reached."""
        return {module for module, _ in self._seen}

    def digest(self, without: str = "\0") -> str:
        """A fingerprint of all that is reached; modules whose names begin with `without` are left out."""
        sha = hashlib.sha256()
        for key in sorted(key for key in self._found if not key[0].startswith(without)):
            sha.update(f"{key[0]} {key[2]} {self._found[key]}\n".encode())
        return sha.hexdigest()

    def add_code(self, tree: ast.Module) -> None:
        """Everything that this code reaches; its own statements are not part of the digest."""
        imports = dict(self._imports(tree))
        self._follow(tree, "", imports)

    def add_module(self, module: str) -> None:
        """A whole module, and all that it reaches."""
        self._need(module, None)

    def _need(self, module: str, name: str | None) -> None:
        if (module, name) in self._seen or (module, None) in self._seen:
            return
        self._seen.add((module, name))
        path = self._path(module)
        if path is None:
            return
        statements, bound = _parsed(path)
        if name is not None and name not in bound:
            self._need(f"{module}.{name}" if self._path(f"{module}.{name}") else module, None)
            return
        imports = self._imports_of(module)
        chosen = set(range(len(statements))) if name is None else {*bound[name], *bound[""]}
        for place in sorted(chosen):
            if not isinstance(statements[place], ast.Import | ast.ImportFrom) or name is None:
                self._take((module, place, ""), statements[place], module, imports)
            elif name in imports:
                self._follow(ast.Name(name, ast.Load()), module, imports)

    def _take(self, key: tuple[str, int, str], node: ast.stmt, module: str, imports: dict) -> None:
        if key in self._found:
            return
        if isinstance(node, ast.ClassDef) and not node.bases and not key[2]:
            kept = [n for n in node.body if not _is_plain_method(n)]
            for method in (n for n in node.body if _is_plain_method(n)):
                self._methods.setdefault(method.name, []).append(((*key[:2], method.name), method, module))
                if method.name in self._mentioned:
                    self._mention(method.name)
            node = ast.ClassDef(node.name, node.bases, node.keywords, kept or [ast.Pass()], node.decorator_list)
        self._found[key] = _code_of(node)
        self._follow(node, module, imports)

    def _mention(self, name: str) -> None:
        self._mentioned.add(name)
        for key, method, module in self._methods.pop(name, []):
            self._take(key, method, module, self._imports_of(module))

    def _follow(self, tree: ast.AST, module: str, imports: dict[str, tuple[str, str | None]]) -> None:
        """Need all that the code names: in its own module, and in those that it imports from."""
        whole = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)}
        path = self._path(module) if module else None
        own = _parsed(path)[1] if path else {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                self._mention(node.attr)
                origin = imports.get(node.value.id) if isinstance(node.value, ast.Name) else None
                if origin and origin[1] is None:
                    self._need(origin[0], node.attr)
            elif isinstance(node, ast.Name):
                self._mention(node.id)
                if node.id in imports:
                    target, name = imports[node.id]
                    if name is not None or id(node) not in whole:
                        self._need(target, name)
                elif node.id in own:
                    self._need(module, node.id)
            elif isinstance(node, ast.Import | ast.ImportFrom) and module:
                for target, name in dict(self._imports(ast.Module([node], []))).values():
                    self._need(target, name)

    def _imports_of(self, module: str) -> dict[str, tuple[str, str | None]]:
        """What the imports at the top of a module mean."""
        if module not in self._top:
            statements = [s for s in _parsed(self._path(module))[0] if isinstance(s, ast.Import | ast.ImportFrom)]
            self._top[module] = dict(self._imports(ast.Module(statements, [])))
        return self._top[module]

    def _imports(self, tree: ast.Module) -> Iterator[tuple[str, tuple[str, str | None]]]:
        """What names mean that are imported from the packages: (module, name in it), or (module, None)."""
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in self.packages:
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    is_module = self._path(inner) is not None
                    yield alias.asname or alias.name, (inner, None) if is_module else (node.module, alias.name)
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name.split(".")[0] in self.packages:
                        yield alias.asname or alias.name.split(".")[0], (alias.name, None)

    def _path(self, module: str) -> Path | None:
        if module not in self._paths:
            base = self.root / module.replace(".", "/")
            files = (base.with_name(f"{base.name}.py"), base / "__init__.py")
            self._paths[module] = next((path for path in files if path.is_file()), None)
        return self._paths[module]


def _is_plain_method(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef) and not (node.name.startswith("__") or node.name.startswith("_repr_"))


def _parsed(path: Path) -> tuple[list[ast.stmt], dict[str, list[int]]]:
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=256)
def _read(path: Path, changed: int) -> tuple[list[ast.stmt], dict[str, list[int]]]:
    """The statements of a module, and which of them bind a name; those of "" act whenever it is imported."""
    statements = ast.parse(path.read_text("utf-8")).body
    bound: dict[str, list[int]] = {"": []}
    for place, node in enumerate(statements):
        if isinstance(node, _DEFINITIONS):
            names = [node.name]
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.asname or alias.name.split(".")[0] for alias in node.names]
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            names = [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        else:
            names = [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
            bound[""].append(place)
        for name in names:
            bound.setdefault(name, []).append(place)
    return statements, bound


def same_code(a: str, b: str) -> bool:
    """Whether two pieces of code differ in no more than comments, docstrings and layout."""
    if a == b:
        return True
    try:
        return code_of(a) == code_of(b)
    except SyntaxError:
        return False


def code_of(source: str) -> str:
    """A text that is the same for the same code, whatever its comments, docstrings and layout."""
    return _code_of(ast.parse(source))


def _code_of(tree: ast.AST) -> str:
    return ast.unparse(ast.fix_missing_locations(_WithoutDocstrings().visit(tree)))


class _WithoutDocstrings(ast.NodeTransformer):
    """Copies a tree without its docstrings; the tree itself stays as it is."""

    def visit(self, node: ast.AST) -> ast.AST:
        fields = {}
        for name, value in ast.iter_fields(node):
            if isinstance(value, list):
                items = [self.visit(item) if isinstance(item, ast.AST) else item for item in value]
                if name == "body" and isinstance(node, _DEFINITIONS) and ast.get_docstring(node) is not None:
                    items = items[1:] or [ast.Pass()]
                fields[name] = items
            else:
                fields[name] = self.visit(value) if isinstance(value, ast.AST) else value
        return type(node)(**fields)
