"""What the p4runtime-shell scripts have in common."""

import os
import sys
import traceback

import grpc
import p4runtime_sh.shell as sh
from p4runtime_sh.p4runtime import P4RuntimeException, P4RuntimeWriteException, SSLOptions

from link import options


def begin(config=False, election_id=1):
    """Connects as the options say, with the program if it shall be set. Nothing is printed from then on."""
    tls = options.get("tls")
    sh.setup(
        device_id=options["deviceId"],
        grpc_addr=options["address"],
        election_id=(0, election_id),
        config=sh.FwdPipeConfig(options["p4info"], options["program"]) if config else None,
        ssl_options=SSLOptions(False, tls["ca"], tls.get("certificate"), tls.get("key")) if tls else None,
        verbose=False,
    )


def _die(*error):
    """p4runtime-shell's threads would keep a failed script alive."""
    traceback.print_exception(*error)
    sys.stderr.flush()
    os._exit(1)


sys.excepthook = _die


def shown(entries):
    """As p4runtime-shell prints them, in lines without margins, sorted; without it, none has an order."""
    return sorted("; ".join(line.strip() for line in str(entry).splitlines()) for entry in entries)


def counted(entries):
    """Counts of counter entries, or of table entries with counters."""
    data = [entry.counter_data if hasattr(entry, "priority") else entry for entry in entries]
    return [{"packets": each.packet_count, "bytes": each.byte_count} for each in data]


def failure(action):
    """What p4runtime-shell says about an error; None without one."""
    try:
        action()
    except (P4RuntimeException, P4RuntimeWriteException) as error:
        return str(error).strip()
    except grpc.RpcError as error:
        return f"{error.code().name}: {error.details()}"
    return None
