"""What code reaches in packages: the definitions that it names, those that they name, and so on.

A lesson that uses three functions of a module doesn't depend on the fourth, nor on comments and docstrings. Methods of
a class without bases count if their name is mentioned anywhere in what is reached; what inherits counts whole, since a
library may call it by names that stand nowhere.
"""

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lessonkit.syntax import parse

_DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Origin = tuple[str, str | None]  # (module, name in it), or (module, None) for the module itself


@dataclass(frozen=True)
class _Facts:
    """What is known of one piece of code: its text without comments, what it needs, which names it mentions."""

    code: str
    needs: tuple[Origin, ...]
    mentions: frozenset[str]


class Reach:
    """Collects what is reached from pieces of code. `root` is the folder that holds the packages."""

    def __init__(self, root: Path, *packages: str):
        self._files = _Files(root, packages)
        self._found: dict[tuple[str, int, str], str] = {}  # (module, place, member) -> code
        self._seen: set[Origin] = set()
        self.mentioned: set[str] = set()
        self._methods: dict[str, list[tuple[_Module, int]]] = {}  # not mentioned yet

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

    def add_code(self, code: str) -> None:
        """Everything that this code reaches; its own statements are not part of the digest."""
        tree = parse(code)
        self._follow(_facts(tree, dict(_imports(tree, self._files)), {}, "", self._files))

    def add_module(self, module: str) -> None:
        """A whole module, and all that it reaches."""
        self._need(module, None)

    def _need(self, name: str, member: str | None) -> None:
        waiting: list[Origin] = [(name, member)]
        while waiting:
            name, member = waiting.pop()
            if (name, member) in self._seen or (name, None) in self._seen:
                continue
            self._seen.add((name, member))
            module = self._files.module(name)
            if module is None:
                continue
            if member is not None and member not in module.bound:
                inner = f"{name}.{member}"
                waiting.append((inner if self._files.path(inner) else name, None))
                continue
            places = range(len(module.statements)) if member is None else {*module.bound[member], *module.bound[""]}
            for place in sorted(places):
                is_import = isinstance(module.statements[place], ast.Import | ast.ImportFrom)
                if is_import and member is not None:
                    waiting += [module.imports[member]] if member in module.imports else []
                else:
                    waiting += self._take(module, place)

    def _take(self, module: "_Module", place: int, member: str = "") -> tuple[Origin, ...]:
        key = (module.name, place, member)
        if key in self._found:
            return ()
        facts = module.facts(place, member)
        self._found[key] = facts.code
        needs = list(facts.needs)
        for method in module.methods(place) if not member else ():
            self._methods.setdefault(method, []).append((module, place))
            if method in self.mentioned:
                needs += self._mention([method])
        return (*needs, *self._mention(facts.mentions))

    def _mention(self, names: Iterator[str] | frozenset[str] | list[str]) -> list[Origin]:
        """Take the methods that are mentioned now; what they need."""
        needs: list[Origin] = []
        for name in names:
            self.mentioned.add(name)
            for module, place in self._methods.pop(name, []):
                needs += self._take(module, place, name)
        return needs

    def _follow(self, facts: _Facts) -> None:
        for need in (*facts.needs, *self._mention(facts.mentions)):
            self._need(*need)


class _Files:
    """Where the modules of the packages lie."""

    def __init__(self, root: Path, packages: tuple[str, ...]):
        self.root, self.packages = root, packages
        self._known: dict[str, Path | None] = {}

    def path(self, module: str) -> Path | None:
        if module not in self._known:
            base = self.root / module.replace(".", "/")
            files = (base.with_name(f"{base.name}.py"), base / "__init__.py")
            self._known[module] = next((path for path in files if path.is_file()), None)
        return self._known[module]

    def module(self, name: str) -> "_Module | None":
        path = self.path(name)
        return None if path is None else _module(self.root, self.packages, name, path, path.stat().st_mtime_ns)


@lru_cache(maxsize=512)
def _module(root: Path, packages: tuple[str, ...], name: str, path: Path, changed: int) -> "_Module":
    return _Module(name, parse(path.read_text("utf-8")).body, _Files(root, packages))


class _Module:
    """The statements of a module, and which of them bind a name; those of "" act whenever it is imported."""

    def __init__(self, name: str, statements: list[ast.stmt], files: _Files):
        self.name, self.statements, self._files = name, statements, files
        self.bound: dict[str, list[int]] = {"": []}
        for place, node in enumerate(statements):
            acts, names = _binds(node)
            for bound in [""] * acts + names:
                self.bound.setdefault(bound, []).append(place)
        top = [node for node in statements if isinstance(node, ast.Import | ast.ImportFrom)]
        self.imports = dict(_imports(ast.Module(top, []), files))
        self._facts: dict[tuple[int, str], _Facts] = {}

    def methods(self, place: int) -> list[str]:
        """The methods of a class without bases that count only if they are mentioned."""
        node = self.statements[place]
        is_open = isinstance(node, ast.ClassDef) and not node.bases
        return [method.name for method in node.body if _is_plain_method(method)] if is_open else []

    def facts(self, place: int, member: str) -> _Facts:
        """What is known of a statement, or of a method in it."""
        if (place, member) not in self._facts:
            node = self.statements[place]
            if member:
                node = next(n for n in node.body if _is_plain_method(n) and n.name == member)
            elif self.methods(place):
                kept = [n for n in node.body if not _is_plain_method(n)] or [ast.Pass()]
                node = ast.ClassDef(node.name, node.bases, node.keywords, kept, node.decorator_list)
            self._facts[place, member] = _facts(node, self.imports, self.bound, self.name, self._files)
        return self._facts[place, member]


def _binds(node: ast.stmt) -> tuple[bool, list[str]]:
    """Whether a statement acts when its module is imported, and the names that it binds."""
    if isinstance(node, _DEFINITIONS):
        return False, [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return False, [alias.asname or alias.name.split(".")[0] for alias in node.names]
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return False, []
    stored = [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    return not isinstance(node, ast.Assign | ast.AnnAssign), stored


def _is_plain_method(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef) and not (node.name.startswith("__") or node.name.startswith("_repr_"))


def _facts(node: ast.AST, imports: dict[str, Origin], own: dict[str, list[int]], module: str, files: _Files) -> _Facts:
    needs: dict[Origin, None] = {}
    mentions: set[str] = set()
    held = {id(n.value) for n in ast.walk(node) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)}
    if isinstance(node, ast.Import | ast.ImportFrom):
        needs.update(dict.fromkeys(imports[name] for name in _binds(node)[1] if name in imports))
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute):
            mentions.add(part.attr)
            origin = imports.get(part.value.id) if isinstance(part.value, ast.Name) else None
            if origin and origin[1] is None:
                needs[origin[0], part.attr] = None
        elif isinstance(part, ast.Name):
            mentions.add(part.id)
            if part.id in imports:
                target, name = imports[part.id]
                if name is not None or id(part) not in held:
                    needs[target, name] = None
            elif part.id in own:
                needs[module, part.id] = None
        elif isinstance(part, ast.Import | ast.ImportFrom) and part is not node and module:
            needs.update(dict.fromkeys(dict(_imports(ast.Module([part], []), files)).values()))
    return _Facts(_code_of(node), tuple(needs), frozenset(mentions))


def _imports(tree: ast.Module, files: _Files) -> Iterator[tuple[str, Origin]]:
    """What names mean that are imported from the packages."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in files.packages:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield alias.asname or alias.name, (inner, None) if files.path(inner) else (node.module, alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] in files.packages:
                    yield alias.asname or alias.name.split(".")[0], (alias.name, None)


def same_code(a: str, b: str) -> bool:
    """Whether two pieces of code differ in no more than comments, docstrings and layout."""
    if a == b:
        return True
    try:
        return code_of(a) == code_of(b)
    except SyntaxError:
        return False


@lru_cache(maxsize=4096)
def code_of(source: str) -> str:
    """A text that is the same for the same code, whatever its comments, docstrings and layout."""
    return _code_of(parse(source))


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
