"""Which names and addresses are this machine."""

from __future__ import annotations

import ipaddress
import socket


def is_loopback(host: str) -> bool:
    """Only this machine can reach what listens here."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_private(host: str) -> bool:
    """This machine or its private network, in any spelling the system takes (``127.1``, ``2130706433``)."""
    name = host.rstrip(".").lower()
    try:
        return not ipaddress.ip_address(name).is_global
    except ValueError:
        try:
            return not ipaddress.ip_address(socket.inet_aton(name)).is_global
        except (OSError, ValueError):
            return name == "localhost" or name.endswith(".localhost")


def reachable(host: str) -> str:
    """An address at which this machine reaches what listens on ``host``."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "::1"
    return host
