"""Names and what they stand for: built-in entries found in a package, others through entry points."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from types import ModuleType
from typing import Generic, TypeVar, overload

from calm_ext.errors import CalmError
from calm_ext.files.expected import did_you_mean

#: The entry-point group whose modules are imported.
GROUP = "calm_ext.plugins"

T = TypeVar("T")
D = TypeVar("D")


@cache
def load_plugins() -> tuple[ModuleType, ...]:
    """Import the modules that installed packages name under :data:`GROUP`.

    Raises:
        CalmError: a module cannot be imported; the message names it and its package.
    """
    from importlib.metadata import entry_points

    found = []
    for point in sorted(entry_points(group=GROUP), key=lambda p: (p.name, p.value)):
        try:
            found.append(importlib.import_module(point.module))
        except Exception as error:  # whatever somebody else's module raises
            package = point.dist.name if point.dist else "unknown"
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise CalmError(
                f"the plugin {point.name} ({point.value}) of the package {package} cannot be loaded: {reason}; "
                f"mend it or uninstall the package"
            ) from error
    return tuple(found)


class Registry(Mapping[str, T], Generic[T]):
    """Name -> entry, in alphabetical order; filled when it is first read.

    Args:
        what: what an entry is called in messages, as ``vote rule``.
        package: dotted name of the package whose modules define the built-in entries.
        constant: a module-level name whose value is an entry with an attribute ``key`` (``SOURCE``); without it the
            modules call :meth:`add` themselves, usually through a decorator.
    """

    def __init__(self, what: str, package: str, *, constant: str | None = None, key: str = "name") -> None:
        self.what = what
        self._package = package
        self._constant = constant
        self._key = key
        self._entries: dict[str, T] = {}
        self._loaded = False

    def add(self, name: str, entry: T) -> None:
        """Enter one.

        Raises:
            CalmError: there is another one of that name.
        """
        known = self._entries.get(name)
        if known is not None and known is not entry:
            raise CalmError(f"there are two {self.what}s with the name {name!r}; rename one of them")
        self._entries[name] = entry

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True  # before the imports: a module may read the registry that it is entered in
        try:
            package = importlib.import_module(self._package)
            modules = [
                importlib.import_module(f"{self._package}.{module.name}")
                for module in pkgutil.iter_modules(package.__path__)
            ]
            for module in (*modules, *load_plugins()):
                entry = getattr(module, self._constant, None) if self._constant else None
                for one in entry if isinstance(entry, (tuple, list)) and not hasattr(entry, self._key) else [entry]:
                    if one is not None:
                        self.add(getattr(one, self._key), one)
        except BaseException:
            self._loaded = False
            raise

    def __getitem__(self, name: str) -> T:
        """The entry.

        Raises:
            CalmError: there is none; the message lists what there is and names the nearest. (No KeyError: a wrong name
                is a user's mistake.)
        """
        self._load()
        try:
            return self._entries[name]
        except KeyError:
            raise CalmError(f"no {self.what} {name!r}{self.hint(name)}; there are {', '.join(self)}") from None

    @overload
    def get(self, name: str, default: None = None, /) -> T | None: ...
    @overload
    def get(self, name: str, default: D, /) -> T | D: ...
    def get(self, name: str, default: object = None, /) -> object:
        """The entry, or the default where there is none."""
        if not self._loaded:
            self._load()
        return self._entries.get(name, default)

    def hint(self, name: str) -> str:
        """`` (did you mean 'x'?)`` where a known name is near, else nothing."""
        return did_you_mean(name, self)

    def __contains__(self, name: object) -> bool:
        if not self._loaded:
            self._load()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        self._load()
        return iter(sorted(self._entries))

    def __len__(self) -> int:
        self._load()
        return len(self._entries)
