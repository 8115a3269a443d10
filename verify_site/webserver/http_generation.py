"""``python -m verify_site.webserver.http_generation MODULE:NAME …``: processes of one version of an application.

Its modules are loaded once, here, and the processes that answer are copies of this one: they are ready sooner than if
each loaded them, and share the memory. Who wants another version starts this again, as the group above does on SIGHUP.
The application itself, with its threads and its database, is made in each process.
"""

from __future__ import annotations

import argparse
import gc
import os
import socket
import sys

from uvicorn.importer import import_from_string

from verify_site.webserver.http_process import serve
from verify_site.webserver.lifeline import Lifeline, lifeline_of
from verify_site.webserver.process_copies import ProcessCopies


def main() -> None:
    """Run the processes that the command line asks for until told to end."""
    chosen = _arguments()
    gc.disable()  # what is loaded stays: to search it for garbage again and again costs a tenth of the time
    named = import_from_string(chosen.app)
    gc.collect()

    def work(lifeline: Lifeline) -> None:
        app = named() if chosen.factory else named
        serve(app, socket.socket(fileno=chosen.fd), lifeline, chosen.ready_path)

    sys.exit(ProcessCopies(work, chosen.workers, lifeline_of(os.environ)).run())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="verify_site.webserver.http_generation")
    parser.add_argument("app", metavar="MODULE:NAME")
    parser.add_argument("--factory", action="store_true", help="NAME is called and gives the application")
    parser.add_argument("--fd", type=int, required=True, help="the listening socket")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--ready-path", help="asked by a replacing process until it answers 200")
    return parser.parse_args()


if __name__ == "__main__":
    main()
