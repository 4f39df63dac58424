"""A program that publishes in children of its own, each of which kills itself before a given change on disk.

Reads lines of JSON, ``[step, feed, keys, action, …]``, and answers each with how the child ended.
"""

import json
import os
import signal
import sys
import traceback
from pathlib import Path

from tests.exchange.feeds import passphrase, put, retract
from vhashdb.exchange.keys import Keyring
from vhashdb.exchange.publisher import Publisher


def kill_before(step):
    """Let so many renames and removals happen, and none more."""
    left = [step]

    def counted(real, counts):
        def change(*arguments, **options):
            if counts(arguments[0]):
                if not left[0]:
                    os.kill(os.getpid(), signal.SIGKILL)
                left[0] -= 1
            return real(*arguments, **options)

        return change

    os.replace = counted(os.replace, lambda path: True)
    os.unlink = counted(os.unlink, os.path.exists)  # to remove what is not there is no step


def act(folder, keys, action, *more):
    publisher = Publisher(Path(folder), Keyring.load([Path(keys)], passphrase))
    match action:
        case "publish":
            publisher.publish([put(3), put(1, rev=2), retract(2, erase=True)])
        case "compact":
            publisher.compact(keep_events=1)
        case "rotate":
            role, drop, add = more
            new = next(file.public for file in publisher._keyring.files if file.public.keyid == add)
            publisher.rotate(role, drop=[drop], add=[new])


def main():
    for line in sys.stdin:
        step, *what = json.loads(line)
        child = os.fork()
        if not child:
            try:
                kill_before(step)
                act(*what)
                os._exit(0)
            except BaseException:
                traceback.print_exc()
                os._exit(70)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
