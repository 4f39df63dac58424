"""Load a package's public names when they are first used: FAISS, SQLAlchemy and TUF take longer to import than a short command runs."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping


def lazy_names(package: str, names: Mapping[str, str]) -> Callable[[str], object]:
    """Return a ``__getattr__`` for a package that imports a public name from the module that has it, once.

    Args:
        package: ``__name__`` of the package.
        names: the public names of each module, with spaces between; modules without the name of the package.
    """
    modules = {name: f"{package}.{module}" for module, several in names.items() for name in several.split()}

    def __getattr__(name: str) -> object:  # noqa: N807  # this is the package's
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(modules[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    return __getattr__
