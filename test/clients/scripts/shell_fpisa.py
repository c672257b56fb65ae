"""p4runtime-shell with the project's own program: what an operator would look at."""

import p4runtime_sh.shell as sh

from link import check
from shell_client import begin, counted, failure, shown

begin(config=True)
check("tables", sorted(each.preamble.name for each in sh.P4Objects(sh.P4Type.table)))
member = sh.TableEntry("fpisa.member")(action="fpisa.join")
for key, value in {"ingress_port": "1", "src_addr": "10.0.0.1", "src_port": "40000", "job": "1", "worker": "0"}.items():
    member.match[key] = value
parameters = ("bitmap", "all", "group", "slot_base", "slots", "epoch", "mode", "format", "guard", "rounding", "left_shift_limit", "alignment")
for number, name in enumerate(parameters, start=1):
    member.action[name] = str(number)
member.insert()
check("member", shown(sh.TableEntry("fpisa.member").read()))
check("member again", failure(member.insert))
route = sh.TableEntry("fpisa.ipv4")(action="fpisa.forward")
route.match["dst_addr"] = "10.0.0.0/24"
for name, value in {"port": "2", "src_mac": "02:00:00:00:00:01", "dst_mac": "02:00:00:00:00:02"}.items():
    route.action[name] = value
route.insert()
check("route", shown(sh.TableEntry("fpisa.ipv4").read()))
check("drops", all(entry == {"packets": 0, "bytes": 0} for entry in counted(sh.CounterEntry("fpisa.drops").read())))
group = sh.MulticastGroupEntry(1)
group.add(1, 1).add(2, 2)
group.insert()
check("group", sorted([replica.port, replica.instance] for entry in sh.MulticastGroupEntry(1).read() for replica in entry.replicas))
for entry in (member, route, group):
    entry.delete()
check("nothing left", [shown(each.read()) for each in (sh.TableEntry("fpisa.member"), sh.TableEntry("fpisa.ipv4"), sh.MulticastGroupEntry())])
sh.teardown()
