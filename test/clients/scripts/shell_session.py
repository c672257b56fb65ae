"""p4runtime-shell as one of two controllers, or over TLS: reads, and tries to write."""

import contextlib
import io

import p4runtime_sh.shell as sh

from link import check, eventually, options, pause
from shell_client import begin, failure, shown

said = io.StringIO()
with contextlib.redirect_stdout(said):
    begin(config="program" in options, election_id=options["electionId"])
check("said", said.getvalue().strip())
entry = sh.TableEntry("l2")(action="drop")
entry.match["hdr.ethernet.dst"] = "02:00:00:00:00:05"
check("write", failure(entry.insert))
check("read", shown(sh.TableEntry("l2").read()))
pause("connected")
# p4runtime-shell prints nothing when it becomes primary.
wanted = options.get("primaryLater", True)
check("write later", eventually(lambda: failure(entry.modify), lambda value: (value is None) == wanted))
sh.teardown()
