"""p4runtime-shell: everything that the program of features.p4 has."""

from p4.v1 import p4runtime_pb2
import p4runtime_sh.shell as sh

from link import PATIENCE_S, check, egress, eventually, inject
from shell_client import begin, counted, failure, shown

begin(config=True)
check("version", sh.APIVersion())
check("tables", sorted(each.preamble.name for each in sh.P4Objects(sh.P4Type.table)))

SERVICE, SENDER = "02:00:0a:00:00:fe", "02:00:7f:00:00:01"


def table(name, action=None, priority=0, match=None, **parameters):
    entry = sh.TableEntry(name)(action=action)
    for key, value in (match or {}).items():
        entry.match[key] = value
    for key, value in parameters.items():
        entry.action[key] = value
    entry.priority = priority
    return entry


# One entry of each kind of match; ids and names both work, as do whole names.
l2 = table("l2", "forward", match={"hdr.ethernet.dst": SERVICE}, port="2")
l2.insert()
table("Ingress_.routes", "note", match={"hdr.ethernet.dst": "02:00:00:00:00:00/8"}, index="3", value="99").insert()
acl = table("acl", "drop", priority=7, match={"src": "02:00:00:00:00:00&&&ff:00:00:00:00:00", "type": "0x800", "port": "2..3"})
acl.insert()
for name in ("l2", "routes", "acl", "fixed"):
    check(f"read {name}", shown(sh.TableEntry(name).read()))

# A packet through all of them.
l2_with_counts = sh.TableEntry("l2")
# Asks for them: looking at it makes it part of the request.
l2_with_counts.counter_data
before = counted(l2_with_counts.read())
inject(1)
check("forwarded", egress(1))
check("hits", [before, eventually(lambda: counted(l2_with_counts.read()), lambda value: value[0]["packets"] == 1)])
check("routed", eventually(lambda: counted(sh.CounterEntry("seen")(index=3).read()), lambda value: value[0]["packets"] == 1))

l2.action["port"] = "3"
l2.modify()
inject(1)
check("forwarded after MODIFY", egress(1))
check("insert again", failure(l2.insert))
acl.delete()
check("delete again", failure(acl.delete))
check("table full", [failure(table("l2", "drop", match={"hdr.ethernet.dst": str(number)}).insert) for number in (1, 2, 3, 4)])
sh.TableEntry("l2").read(lambda entry: entry.delete())
check("read emptied l2", shown(sh.TableEntry("l2").read()))
check("constant table", failure(next(iter(sh.TableEntry("fixed").read())).delete))

# Default entries.
default = table("l2", "forward", port="1")
default.is_default = True
default.modify()
reader = sh.TableEntry("l2")
reader.is_default = True
check("default", shown(reader.read()))
inject(3)
check("forwarded by default", egress(1))
constant_default = table("acl", "drop")
constant_default.is_default = True
check("constant default", failure(constant_default.modify))
cleared = sh.TableEntry("l2")
cleared.is_default = True
cleared.modify()
check("default reset", shown(reader.read()))

# Counters.
seen = sh.CounterEntry("seen")
seen.index = 5
seen.packet_count = 17
seen.byte_count = 2**60
seen.modify()
check("counter", counted(sh.CounterEntry("seen")(index=5).read()))
check("counters", len(list(sh.CounterEntry("seen").read())))
beyond = sh.CounterEntry("seen")
beyond.index = 16
check("counter index", failure(lambda: list(beyond.read())))
entry = table("l2", "metered_forward", match={"hdr.ethernet.dst": SERVICE}, port="2")
entry.counter_data.packet_count = 5
entry.insert()
direct = sh.DirectCounterEntry("l2_hits")
direct.table_entry.match["hdr.ethernet.dst"] = SERVICE
check("direct counter", counted(direct.read()))
direct.packet_count = 8
direct.byte_count = 9
direct.modify()
check("direct counter written", counted(direct.read()))
check("direct counters", len(list(sh.DirectCounterEntry("l2_hits").read())))

# Meters.
policer = sh.MeterEntry("policer")
policer.index = 2
policer.cir, policer.cburst, policer.pir, policer.pburst = 10, 20, 30, 40
policer.modify()
meter = sh.MeterEntry("policer")
meter.index = 2
check("meter", shown(meter.read()))
check("meters", len(list(sh.MeterEntry("policer").read())))
rate = sh.DirectMeterEntry("l2_rate")
rate.table_entry.match["hdr.ethernet.dst"] = SERVICE
rate.cir, rate.cburst, rate.pir, rate.pburst = 1, 2, 3, 4
rate.modify()
reader = sh.DirectMeterEntry("l2_rate")
reader.table_entry.match["hdr.ethernet.dst"] = SERVICE
check("direct meter", shown(reader.read()))
entry.delete()

# Packet replication.
group = sh.MulticastGroupEntry(7)
group.add(1, 1).add(2, 1).add(3, 5)
group.insert()
check("group", sorted([replica.port, replica.instance] for entry in sh.MulticastGroupEntry(7).read() for replica in entry.replicas))
flood = table("l2", "flood", match={"hdr.ethernet.dst": SERVICE}, group="7")
flood.insert()
inject(1, payload=b"all")
check("flooded", egress(3))
group.replicas = []
group.add(2, 1)
group.modify()
check("groups", shown(sh.MulticastGroupEntry().read()))
inject(1, payload=b"two")
check("flooded after MODIFY", egress(1))
flood.delete()
group.delete()
check("group deleted", shown(sh.MulticastGroupEntry().read()))
session = sh.CloneSessionEntry(9)
session.add(3, 1)
session.insert()
check("clone session", shown(sh.CloneSessionEntry(9).read()))
mirror = table("acl", "mirror", priority=1, match={"port": "1..1"}, session="9")
mirror.insert()
inject(1, payload=b"twin")
check("mirrored", egress(1))
mirror.delete()
session.delete()
check("clone session deleted", shown(sh.CloneSessionEntry().read()))

# Action profiles and selectors.
for number in (1, 2):
    member = sh.ActionProfileMember("selector")(member_id=number, action=sh.Action("forward"))
    member.action["port"] = str(number)
    member.insert()
group = sh.ActionProfileGroup("selector")(group_id=1)
group.add(1, weight=2).add(2)
group.max_size = 4
group.insert()
check("members", shown(sh.ActionProfileMember("selector").read()))
check("action group", shown(sh.ActionProfileGroup("selector").read()))
balanced = sh.TableEntry("balanced")
balanced.match["hdr.ethernet.type"] = "0x800"
balanced.group_id = 1
balanced.insert()
check("read balanced", shown(sh.TableEntry("balanced").read()))
check("member in use", failure(sh.ActionProfileMember("selector")(member_id=1).delete))
inject(3)
check("balanced", [port in (1, 2) for port, _ in egress(1)])
balanced.delete()
group.delete()
sh.ActionProfileMember("selector").read(lambda member: member.delete())
check("members deleted", shown(sh.ActionProfileMember("selector").read()))
oneshot = sh.TableEntry("balanced")
oneshot.match["hdr.ethernet.type"] = "0x800"
forward = sh.Action("forward")
forward["port"] = "2"
oneshot.oneshot.add(forward, weight=1)
oneshot.insert()
check("read one-shot", shown(sh.TableEntry("balanced").read()))
inject(3)
check("one-shot", egress(1))
oneshot.delete()
profiled = sh.ActionProfileMember("profile")(member_id=4, action=sh.Action("drop"))
profiled.insert()
indirect = sh.TableEntry("indirect")
indirect.match["hdr.ethernet.type"] = "0x800"
indirect.member_id = 4
indirect.insert()
check("read indirect", shown(sh.TableEntry("indirect").read()))
indirect.delete()
profiled.delete()

# Packets both ways: the program sends what goes out at the CPU port straight back.
packet_in = sh.PacketIn()
digests = sh.DigestList()
timeouts = sh.IdleTimeoutNotification()
sh.PacketOut(b"x" * 20, egress_port="510", pad="0").send()
to_cpu = table("l2", "to_cpu", match={"hdr.ethernet.dst": SERVICE})
to_cpu.insert()


def received(queue):
    return [queue.get(timeout=PATIENCE_S)]


check("packet back", shown(message.packet for message in received(packet_in.packet_in_queue)))
inject(2, payload=b"for the controller")
packet = received(packet_in.packet_in_queue)[0].packet
check("packet-in", [shown([p4runtime_pb2.PacketIn(metadata=packet.metadata)]), packet.payload[-18:].decode()])
to_cpu.delete()

# Digests; p4runtime-shell acknowledges each list.
digest = sh.DigestEntry("learn_t")
digest.max_list_size = 1
digest.ack_timeout_ns = 10**9
digest.insert()
check("digest entry", shown(sh.DigestEntry("learn_t").read()))
learn = table("learned", "learn", match={"hdr.ethernet.src": SENDER})
learn.insert()
inject(3)
message = received(digests.digest_list_queue)[0].digest
check("digest", shown(message.data))
inject(2)
check("digest after the acknowledgement", shown(received(digests.digest_list_queue)[0].digest.data))
learn.delete()
digest.delete()

# Idle timeouts.
idle = table("l2", "forward", match={"hdr.ethernet.dst": "02:00:00:00:00:77"}, port="1")
idle.idle_timeout_ns = 200_000_000
idle.insert()
check("idle timeout", shown(received(timeouts.notification_queue)[0].idle_timeout_notification.table_entry))
idle.delete()

# A batch of bad updates only: p4runtime-shell 0.0.6 waits forever when one of them has succeeded (see the docs).
request = p4runtime_pb2.WriteRequest()
for kind, match, table_id in (("INSERT", "1", 12345), ("DELETE", "2", None), ("MODIFY", "3", None)):
    update = request.updates.add(type=p4runtime_pb2.Update.Type.Value(kind))
    update.entity.table_entry.CopyFrom(table("l2", "drop", match={"hdr.ethernet.dst": match}).msg())
    if table_id:
        update.entity.table_entry.table_id = table_id
check("batch", failure(lambda: sh.client.write(request)))

sh.teardown()
