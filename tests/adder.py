"""Adds every film of a folder to a database and prints the id of each record when it is acknowledged. Made to be killed.

``python -m tests.adder DATABASE FOLDER``
"""

import sys
from pathlib import Path

import vhashdb

if __name__ == "__main__":
    with vhashdb.open(sys.argv[1]) as db:
        sys.stdout.write("open\n")
        sys.stdout.flush()
        for film in sorted(Path(sys.argv[2]).glob("*.mp4")):
            done = db.add(film, labels=["kept"], reason=film.name)
            sys.stdout.write(f"{done.status.value} {done.id} {film.name}\n")
            sys.stdout.flush()
