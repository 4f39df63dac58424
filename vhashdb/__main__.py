"""`python -m vhashdb` is the command `vhashdb`, for when its script is not on the PATH."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from typing import Final

_NOT_INSTALLED: Final = "error: the command line of vhashdb is not installed\nhint: install the whole vhashdb package with pip"
_USAGE: Final = 2
"""The exit code of a command that is wrong; the table of them belongs to what is missing."""


def main() -> None:
    """Run the command."""
    with contextlib.suppress(FileNotFoundError):  # a working folder that was removed is not on the path either
        # It may be one of uploads; nothing in it is to be taken for a module, as with the script.
        if not sys.flags.safe_path and sys.path[:1] == [os.getcwd()]:
            del sys.path[0]
    try:
        # By its name: nothing else in the library knows that there is a command line.
        command_line = importlib.import_module("vhashdb_cli.main")
    except ModuleNotFoundError as error:
        if error.name != "vhashdb_cli":
            raise
        sys.stderr.write(f"{_NOT_INSTALLED}\n")
        sys.exit(_USAGE)
    command_line.run()


if __name__ == "__main__":
    main()
