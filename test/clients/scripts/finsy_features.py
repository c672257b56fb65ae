"""finsy: everything that the program of features.p4 has."""

import asyncio

import finsy as fy

from finsy_client import connected, failure, first, read, shown
from link import PATIENCE_S, check, egress, inject

SERVICE, SENDER = "02:00:0a:00:00:fe", "02:00:7f:00:00:01"


async def main():
    async with connected(program=True) as switch:
        check("primary", [switch.is_primary, switch.primary_id])
        await tables(switch)
        await defaults(switch)
        await resources(switch)
        await replication(switch)
        await profiles(switch)
        await messages(switch)
        await batch(switch)
        await switch.delete_all()
        check("delete_all", await read(switch, fy.P4TableEntry("l2"), fy.P4MulticastGroupEntry(), fy.P4ActionProfileMember()))


async def inject_soon(*args, **kwargs):
    """Beside finsy's tasks, which must go on meanwhile."""
    await asyncio.to_thread(inject, *args, **kwargs)


async def eventually(read, wanted):
    async with asyncio.timeout(PATIENCE_S):
        while not wanted(value := await read()):
            await asyncio.sleep(0.02)
        return value


def l2(action=None, dst=SERVICE, **more):
    return fy.P4TableEntry("l2", match=fy.Match({"hdr.ethernet.dst": dst}), action=action, **more)


async def tables(switch):
    acl = fy.P4TableEntry("acl", match=fy.Match(src="02:00:00:00:00:00/&ff:00:00:00:00:00", type=0x800, port="2...3"), action=fy.Action("drop"), priority=7)
    routes = fy.P4TableEntry("routes", match=fy.Match({"hdr.ethernet.dst": "02:00:00:00:00:00/8"}), action=fy.Action("note", index=3, value=99))
    await switch.insert([l2(fy.Action("forward", port=2)), acl, routes])
    for name in ("l2", "acl", "routes", "fixed"):
        check(f"read {name}", await read(switch, fy.P4TableEntry(name)))
    check("read all", len(await read(switch, fy.P4TableEntry())))
    inject(1)
    check("forwarded", egress(1))
    routed = await eventually(lambda: first(switch, fy.P4CounterEntry("seen", index=3)), lambda entry: entry.data.packet_count > 0)
    check("routed", routed.data.packet_count)
    await switch.write([~l2(fy.Action("forward", port=3)), -acl, -routes])
    inject(1)
    check("forwarded after MODIFY", egress(1))
    check("insert again", await failure(switch.insert([l2(fy.Action("drop"))])))
    await switch.delete([l2()])
    await switch.delete([l2()], strict=False)
    check("delete again", await failure(switch.delete([l2()])))
    constant = await first(switch, fy.P4TableEntry("fixed"))
    check("constant table", await failure(switch.delete([constant])))


async def defaults(switch):
    default = fy.P4TableEntry("l2", is_default_action=True)
    await switch.modify([fy.P4TableEntry("l2", action=fy.Action("forward", port=1), is_default_action=True)])
    check("default", await read(switch, default))
    inject(3)
    check("forwarded by default", egress(1))
    check("constant default", await failure(switch.modify([fy.P4TableEntry("acl", action=fy.Action("drop"), is_default_action=True)])))
    await switch.modify([default])
    check("default reset", await read(switch, default))


async def resources(switch):
    await switch.modify([fy.P4CounterEntry("seen", index=5, data=fy.P4CounterData(packet_count=17, byte_count=2**60))])
    check("counter", await read(switch, fy.P4CounterEntry("seen", index=5)))
    check("counters", len(await read(switch, fy.P4CounterEntry("seen"))))
    check("counter index", await failure(read(switch, fy.P4CounterEntry("seen", index=16))))
    config = fy.P4MeterConfig(cir=10, cburst=20, pir=30, pburst=40)
    await switch.modify([fy.P4MeterEntry("policer", index=2, config=config)])
    check("meter", await read(switch, fy.P4MeterEntry("policer", index=2)))
    await switch.insert([l2(fy.Action("metered_forward", port=2), counter_data=fy.P4CounterData(packet_count=5), meter_config=config)])
    check("direct counter", await read(switch, fy.P4DirectCounterEntry("l2_hits", table_entry=l2())))
    await switch.modify([fy.P4DirectCounterEntry("l2_hits", table_entry=l2(), data=fy.P4CounterData(packet_count=8, byte_count=9))])
    check("direct counters", await read(switch, fy.P4DirectCounterEntry("l2_hits")))
    check("direct meter", await read(switch, fy.P4DirectMeterEntry(table_entry=l2())))
    await switch.delete([l2()])
    check("register written", await failure(switch.modify([fy.P4RegisterEntry("notes", index=2, data=0xDEADBEEF)])))
    check("register", await failure(read(switch, fy.P4RegisterEntry("notes", index=2)), value=True))
    check("value set", await failure(switch.modify([fy.P4ValueSetEntry("special_types", members=[])])))


async def replication(switch):
    group = fy.P4MulticastGroupEntry(7, replicas=[(1, 1), (2, 1), (3, 5)])
    await switch.insert([group, l2(fy.Action("flood", group=7))])
    check("group", sorted((await first(switch, fy.P4MulticastGroupEntry(7))).replicas_str().split()))
    inject(1, payload=b"all")
    check("flooded", egress(3))
    await switch.modify([fy.P4MulticastGroupEntry(7, replicas=[(2, 1)])])
    inject(1, payload=b"two")
    check("flooded after MODIFY", egress(1))
    await switch.delete([l2(), group])
    session = fy.P4CloneSessionEntry(9, replicas=[(3, 1)])
    mirror = fy.P4TableEntry("acl", match=fy.Match(port="1...1"), action=fy.Action("mirror", session=9), priority=1)
    await switch.insert([session, mirror])
    check("clone session", await read(switch, fy.P4CloneSessionEntry(9)))
    inject(1, payload=b"twin")
    check("mirrored", egress(1))
    await switch.delete([mirror, session])
    check("replication deleted", await read(switch, fy.P4MulticastGroupEntry(), fy.P4CloneSessionEntry()))


async def profiles(switch):
    members = [fy.P4ActionProfileMember("selector", member_id=port, action=fy.Action("forward", port=port)) for port in (1, 2)]
    # An explicit size is needed: the selector's maximum is not 0.
    group = fy.P4ActionProfileGroup("selector", group_id=1, max_size=4, members=[fy.P4Member(1, weight=2), fy.P4Member(2, weight=1)])
    balanced = fy.P4TableEntry("balanced", match=fy.Match({"hdr.ethernet.type": 0x800}), action=fy.IndirectAction(group_id=1))
    unsized = fy.P4ActionProfileGroup("selector", group_id=2, members=[])
    await switch.insert([*members, group, balanced])
    check("members", await read(switch, fy.P4ActionProfileMember("selector"), fy.P4ActionProfileGroup("selector")))
    check("read balanced", await read(switch, fy.P4TableEntry("balanced")))
    check("group without a size", await failure(switch.insert([unsized])))
    check("member in use", await failure(switch.delete([members[0]])))
    inject(3)
    check("balanced", [port in (1, 2) for port, _ in egress(1)])
    await switch.delete([balanced, group, *members])
    await switch.delete([unsized], strict=False)
    oneshot = fy.P4TableEntry("balanced", match=fy.Match({"hdr.ethernet.type": 0x800}), action=fy.IndirectAction([2 * fy.Action("forward", port=2)]))
    await switch.insert([oneshot])
    check("one-shot", await read(switch, fy.P4TableEntry("balanced")))
    inject(3)
    check("forwarded by one-shot", egress(1))
    await switch.delete([oneshot])


async def messages(switch):
    packets, digests, timeouts = switch.read_packets(), switch.read_digests("learn_t"), switch.read_idle_timeouts()
    packet, digest, timeout = (asyncio.ensure_future(anext(each)) for each in (packets, digests, timeouts))
    # The iterators open their queues only when they run.
    await asyncio.sleep(0)
    await switch.write([fy.P4PacketOut(b"x" * 20, egress_port=510, pad=0)])
    check("packet back", str(await asyncio.wait_for(packet, PATIENCE_S)))
    await switch.insert([l2(fy.Action("to_cpu"))])
    await inject_soon(2, payload=b"for the controller")
    packet = await asyncio.wait_for(anext(packets), PATIENCE_S)
    check("packet-in", [packet["ingress_port"], packet["reason"], packet.payload[-18:].decode()])
    await switch.delete([l2()])

    learn = fy.P4TableEntry("learned", match=fy.Match({"hdr.ethernet.src": SENDER}), action=fy.Action("learn"))
    config = fy.P4DigestEntry("learn_t", max_list_size=1, ack_timeout_ns=10**9)
    await switch.insert([config, learn])
    check("digest entry", await read(switch, fy.P4DigestEntry("learn_t")))
    for name in ("digest", "digest after the acknowledgement"):
        # A packet that overtakes the acknowledgement on its stream brings nothing new, and is not reported.
        for _ in range(PATIENCE_S):
            await inject_soon(3)
            done, _ = await asyncio.wait([digest], timeout=1)
            if done:
                break
        message = await asyncio.wait_for(digest, PATIENCE_S)
        check(name, message.data)
        await switch.write([message.ack()])
        digest = asyncio.ensure_future(anext(digests))
    digest.cancel()
    await switch.delete([learn, config])

    idle = l2(fy.Action("forward", port=1), dst="02:00:00:00:00:77", idle_timeout_ns=200_000_000)
    await switch.insert([idle])
    check("idle timeout", [shown(entry) for entry in (await asyncio.wait_for(timeout, PATIENCE_S)).table_entry])
    await switch.delete([idle])


async def batch(switch):
    updates = [+l2(fy.Action("drop"), dst=1), -l2(dst=2), +l2(fy.Action("drop"), dst=1), ~l2(fy.Action("drop"), dst=3)]
    check("batch", await failure(switch.write(updates)))
    check("what the batch left", await read(switch, fy.P4TableEntry("l2")))


asyncio.run(main())
