"""finsy as one of two controllers, or over TLS: reads, and tries to write."""

import asyncio

import finsy as fy

from finsy_client import connected, failure, read
from link import PATIENCE_S, check, options, pause


async def main():
    async with connected(program="program" in options) as switch:
        check("primary", [switch.is_primary, switch.primary_id])
        entry = fy.P4TableEntry("l2", match=fy.Match({"hdr.ethernet.dst": 0x020000000005}), action=fy.Action("drop"))
        check("write", await failure(switch.insert([entry])))
        check("read", await read(switch, fy.P4TableEntry("l2")))
        await asyncio.to_thread(pause, "connected")
        async with asyncio.timeout(PATIENCE_S):
            while switch.is_primary != options.get("primaryLater", switch.is_primary):
                await asyncio.sleep(0.02)
        check("primary later", switch.is_primary)
        check("write later", await failure(switch.modify([entry])))
        await asyncio.to_thread(pause, "done")


asyncio.run(main())
