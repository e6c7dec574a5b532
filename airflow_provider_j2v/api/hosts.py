"""What a host in an address is: this machine, a private network, or the internet. No name is looked up."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from socket import inet_aton
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """True for this machine alone."""
    address = _address(host)
    return address.is_loopback if address else host.lower() == "localhost"


def is_private(host: str) -> bool:
    """True for private addresses, and for names that no public DNS has (one label, or .local and .internal).

    Link-local addresses are not meant: there, clouds give their machines credentials.
    """
    address = _address(host)
    if address is None:
        return "." not in host or host.lower().endswith((".local", ".internal"))
    odd = address.is_link_local or address.is_unspecified or address.is_reserved or address.is_multicast
    return address.is_private and not odd


def is_public(host: str) -> bool:
    """Whether a host may be one of the internet: any name but those of this machine."""
    name = host.rstrip(".").lower()
    address = _address(name)
    if address is None:
        return name != "localhost" and not name.endswith(".localhost")
    return address.is_global and not address.is_multicast


def is_file_address(url: str, service: str) -> bool:
    """Whether files may be asked for, or sent to, an address that the service or a redirect names.

    It must be https and no private one, or on the service's own host, in plain http where that speaks it itself.
    """
    try:
        parts, own = urlsplit(url), urlsplit(service)
        at_home = parts.hostname == own.hostname
        safe = parts.scheme == "https" or (at_home and parts.scheme == own.scheme == "http")
        return safe and "@" not in parts.netloc and (at_home or is_public(parts.hostname or "localhost"))
    except ValueError:
        return False


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host is written as, in any spelling the system takes; None for a name."""
    try:
        address = ip_address(host)
    except ValueError:
        try:
            address = ip_address(inet_aton(host))  # 127.1 and 2130706433
        except (OSError, ValueError):
            return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
