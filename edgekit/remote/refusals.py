"""What ssh says when it cannot connect -> one clear sentence, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Callable

from edgekit.errors import EdgekitError, HostError, RemoteError

#: Of the lines that `ssh -v` writes, those that say what it does, not what is wrong.
_CHATTER = re.compile(r"debug\d: |OpenSSH_|Authenticated to |Transferred: |Bytes per second: ")
#: The only one of them with line ends inside: our own script.
_SCRIPT = re.compile(r"debug\d: Sending command: .*?\r\n", re.DOTALL)


def refusal(host: str, said: str) -> EdgekitError:
    """Why no connection to `host` came about.

    Args:
        said: all that `ssh -v` wrote on its standard error, and the other side before its shell.

    Returns:
        HostError where a name, a key or a configuration must be mended; RemoteError where the
        machine or the network is at fault.
    """
    said = _SCRIPT.sub("", said)
    for pattern, explain in _CAUSES:
        if (found := re.search(pattern, said, re.MULTILINE)) is not None:
            return explain(host, said, found)
    return RemoteError(
        f"{host}: ssh does not get a shell there: {words(said) or 'it said nothing'}",
        hint=f"try `ssh {host} true`",
    )


def words(said: str) -> str:
    """The end of what ssh said, without what `-v` adds, on one line."""
    lines = [
        line.strip() for line in _SCRIPT.sub("", said).splitlines() if not _CHATTER.match(line)
    ]
    return "; ".join(line for line in lines if line)[-400:]


def _unknown(host: str, said: str, found: re.Match[str]) -> EdgekitError:
    return HostError(
        f"{host}: there is no computer of the name {found[1]!r} ({found[2].strip()})",
        hint="check the name; `ping` it, or give the computer's address instead",
    )


def _changed_key(host: str, said: str, found: re.Match[str]) -> EdgekitError:
    line = re.search(r"^Offending .* key in (\S+:\d+)", said, re.MULTILINE)
    remove = re.search(r"^\s*(ssh-keygen .*-R .*\S)", said, re.MULTILINE)
    where = f" of {line[1]}" if line else ""
    return HostError(
        f"{host}: its host key is not the one{where}: it was installed anew, or another computer "
        "answers in its place",
        hint="if you know why, forget the old key: " + (remove[1] if remove else "ssh-keygen -R"),
    )


def _unknown_key(host: str, said: str, found: re.Match[str]) -> EdgekitError:
    key = re.search(r"Server host key: (\S+ \S+)", said)
    return HostError(
        f"{host}: its host key is not known yet" + (f": {key[1]}" if key else ""),
        hint=f"run `ssh {host}` once, compare the key, and accept it",
    )


def _denied(host: str, said: str, found: re.Match[str]) -> EdgekitError:
    offered = re.findall(r"Offering public key: (\S+)", said)
    keys = f"the keys {', '.join(offered)}" if offered else "no key, for none was found"
    return HostError(
        f"{host}: the login was refused: {found[0].strip()}; ssh offered {keys}",
        hint=f"`ssh-copy-id {host}` puts your key there; one with a passphrase needs `ssh-add` "
        "first, for edgekit never asks for a password",
    )


def _bare_key(host: str, said: str, found: re.Match[str]) -> EdgekitError:
    return HostError(
        f"{host}: ssh does not use the key {found[1]}: others can read it",
        hint=f"chmod 600 {found[1]}",
    )


def _no_service(host: str, said: str, found: re.Match[str]) -> EdgekitError:
    return RemoteError(
        f"{host}: the computer is there, but no ssh server answers: {words(said)}",
        hint="switch it on there: `sudo raspi-config`, Interface Options, SSH; or check the port",
    )


def _no_way(host: str, said: str, found: re.Match[str]) -> EdgekitError:
    return RemoteError(
        f"{host}: nobody answers: {words(said)}",
        hint="is it switched on, and in this network? `ping` says",
    )


def _hung_up(host: str, said: str, found: re.Match[str]) -> EdgekitError:
    return RemoteError(
        f"{host}: the other side hung up before the login: {words(said)}",
        hint="it may be starting, or refuse too many connections: try again, then `ssh -v`",
    )


def _configuration(host: str, said: str, found: re.Match[str]) -> EdgekitError:
    return HostError(f"{host}: ssh's configuration: {words(said)}", hint="see `man ssh_config`")


#: The first that matches tells. Without a line's end as its end, `.` ends at it.
_CAUSES: tuple[tuple[str, Callable[[str, str, re.Match[str]], EdgekitError]], ...] = (
    (r"Bad configuration option|Can't open user config|terminating, \d+ bad", _configuration),
    (r"Could not resolve hostname ([^:\s]*): (.*)", _unknown),
    (r"REMOTE HOST IDENTIFICATION HAS CHANGED", _changed_key),
    (r"Host key verification failed", _unknown_key),
    (r"^Load key \"(.*)\": bad permissions", _bare_key),
    (r"^.*(?:Permission denied \(|Too many authentication failures).*", _denied),
    (r"Connection refused", _no_service),
    (r"timed out|No route to host|is unreachable", _no_way),
    (r"Connection (?:closed|reset) by|Connection closed", _hung_up),
)
