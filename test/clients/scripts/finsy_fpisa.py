"""finsy with the project's own program."""

import asyncio

import finsy as fy

from finsy_client import connected, failure, read
from link import check


async def main():
    async with connected(program=True) as switch:
        match = fy.Match(ingress_port=1, src_addr="10.0.0.1", src_port=40000, job=1, worker=0)
        parameters = ("bitmap", "all", "group", "slot_base", "slots", "epoch", "mode", "format", "guard", "rounding", "left_shift_limit", "alignment")
        member = fy.P4TableEntry("member", match=match, action=fy.Action("join", **{name: number for number, name in enumerate(parameters, start=1)}))
        route = fy.P4TableEntry("ipv4", match=fy.Match(dst_addr="10.0.0.0/24"), action=fy.Action("fpisa.forward", port=2, src_mac=1, dst_mac=2))
        group = fy.P4MulticastGroupEntry(1, replicas=[(1, 1), (2, 2)])
        await switch.insert([member, route, group])
        check("entries", await read(switch, fy.P4TableEntry("member"), fy.P4TableEntry("ipv4")))
        check("member again", await failure(switch.insert([member])))
        check("drops", [entry.data.packet_count async for entry in switch.read(fy.P4CounterEntry("drops"))].count(0) > 0)
        await switch.delete_all()
        check("nothing left", await read(switch, fy.P4TableEntry("member"), fy.P4TableEntry("ipv4"), fy.P4MulticastGroupEntry()))


asyncio.run(main())
