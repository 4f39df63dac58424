"""The service: the database over HTTP, for programs and, in a browser, for people.

`create_app` makes an ASGI application from `ServiceSettings`; whoever runs it chooses the server. What a request may do is decided in
`access`, what it costs is bounded in `uploads` and `asking`, and what it is about is in `routes`. One `Service` has what all of them
share. Nothing here decides about a match: it asks the database and says what that said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vhashdb.lazy import lazy_names

if TYPE_CHECKING:
    from vhashdb.service.app import create_app
    from vhashdb.service.logs import log_to
    from vhashdb.service.server import Listening, serve
    from vhashdb.service.settings import ServiceSettings
else:
    __getattr__ = lazy_names(__name__, {"app": "create_app", "logs": "log_to", "server": "Listening serve", "settings": "ServiceSettings"})

__all__ = ["Listening", "ServiceSettings", "create_app", "log_to", "serve"]
