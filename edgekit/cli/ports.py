"""`edgekit ports`."""

from __future__ import annotations

from edgekit.cli import console


def ports() -> None:
    """List the serial ports of this computer, with the boards that they may be."""
    from edgekit import boards, serial_ports
    from edgekit.report.tables import plain

    found = serial_ports.connected()
    if not found:
        console.stdout().print("no serial port found: connect a board, or use an emulated one")
        return
    table = plain("port", "USB id", "serial number", "description", "may be")
    for port in found:
        may_be = [b.id for b in boards.all_boards() if port.usb_id and port.usb_id in b.reach.usb]
        table.add_row(
            port.path,
            port.usb_id or "–",
            port.usb_serial or "–",
            port.description,
            ", ".join(may_be) or "–",
        )
    console.stdout().print(table)
