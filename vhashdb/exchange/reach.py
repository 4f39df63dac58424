"""Which hosts and addresses somebody else's feed may make this machine speak to. Pure.

A feed is read from its own host: one scheme, name and port. It may send on to another host only if people here named that
host for it. And however a name resolves, nothing is asked of an address inside (loopback, private, link-local, …) unless
people here wrote such an address down for the feed, or named its host.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urljoin

import urllib3
from urllib3.util import Url

from vhashdb.errors import FeedMalformed, FeedUnreachable, UsageError

_PORTS: Final = {"http": 80, "https": 443}
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True)
class Origin:
    """Where requests go: what must be the same for two addresses to be of one host."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: Url) -> Origin:
        """Return the origin of an address that has a scheme and a host."""
        scheme, host = url.scheme or "", (url.host or "").strip("[]").rstrip(".").lower()
        return cls(scheme, host, url.port or _PORTS.get(scheme, 0))

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"


@dataclass(frozen=True)
class Reach:
    """Hosts and addresses that one feed may make us ask."""

    own: Origin
    hosts: frozenset[str] = field(default=frozenset())
    """Other hosts, as ``host`` or ``host:port``, that people here named for it."""

    def follow(self, url: str, location: str) -> Url:
        """Return where a redirect from ``url`` leads.

        Raises:
            FeedUnreachable: to no address, or to one where this feed may not send us.
        """
        try:
            target = parsed(urljoin(url, location))
        except (UsageError, ValueError) as error:
            raise FeedUnreachable(f"{url} redirects to what is no address of a feed") from error
        origin = Origin.of(target)
        if origin == self.own:
            return target
        if origin.scheme != "https" and origin.scheme != self.own.scheme:
            raise FeedUnreachable(f"{url} redirects to {origin.scheme}, which is not encrypted")
        if not self._named(origin):
            raise FeedUnreachable(
                f"{url} redirects to another host, {origin.host}:{origin.port}",
                hint=f"if the publisher confirms it: let `Exchange.move` allow the host {origin.host}",
            )
        return target

    def admits(self, origin: Origin, address: str) -> bool:
        """Tell whether a connection to the address that a host's name stands for may be made."""
        return not internal(address) or self._named(origin) or (origin == self.own and names_inside(origin.host))

    def _named(self, origin: Origin) -> bool:
        return not self.hosts.isdisjoint({origin.host, f"{origin.host}:{origin.port}"})


def parsed(text: str) -> Url:
    """Return an address of http or https, with a host.

    Raises:
        UsageError: it is none, or has in it what the address of a feed may not have.
    """
    hint = "give a URL of http or https, or a folder"
    try:
        url = urllib3.util.parse_url(text)
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        raise UsageError(f"{text[:200]!r} is no address of a feed", hint=hint) from error
    if url.scheme not in _PORTS or not url.host:
        raise UsageError(f"{text[:200]!r} is no address of a feed", hint=hint)
    if url.auth:
        raise UsageError("the address of a feed has a user name in it", hint="give credentials as a header")
    return url


def checked_hosts(hosts: Iterable[str]) -> frozenset[str]:
    """Check names of hosts, as ``host`` or ``host:port``.

    Raises:
        UsageError: one is none.
    """
    found = set()
    for host in hosts:
        url = parsed(f"http://{host}")
        if url.path or url.query or url.fragment:
            raise UsageError(f"{host[:200]!r} is no name of a host", hint="give a host, such as cdn.example, or cdn.example:8443")
        origin = Origin.of(url)
        found.add(f"{origin.host}:{url.port}" if url.port else origin.host)
    return frozenset(found)


def internal(address: str) -> bool:
    """Tell whether an IP address is of this machine or its network, also when it is wrapped into one of IPv6."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        wrapped = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            wrapped = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if wrapped is not None:
            ip = wrapped
        elif ip.is_site_local:
            return True
    return not ip.is_global or ip.is_multicast or ip.is_reserved


def names_inside(host: str) -> bool:
    """Tell whether a host, as it is written, is an internal address or this machine."""
    try:
        return internal(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def check_listed(place: str, roster: str) -> None:
    """Make sure that the roster which is read at ``roster`` may say that a feed is at ``place``.

    A roster on a web server names web servers, and internal ones only if it is internal itself; one in a folder may also
    name folders that lie beside it.

    Raises:
        FeedMalformed: it may not.
    """
    said = f"the roster says that a feed is at {place[:200]!r}"
    if "://" not in place:
        beside = Path(roster).resolve().parent
        if "://" in roster or beside == beside.parent or not Path(place).resolve().is_relative_to(beside):
            raise FeedMalformed(f"{said}, which is a folder of this machine")
        return
    try:
        url = parsed(place)
    except UsageError as error:
        raise FeedMalformed(f"{said}, which is no address of a feed") from error
    if names_inside(Origin.of(url).host) and ("://" in roster and not names_inside(Origin.of(parsed(roster)).host)):
        raise FeedMalformed(f"{said}, which is an internal address")
