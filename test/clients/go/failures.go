package main

import (
	"context"
	"strings"

	p4v1 "fpisa/test/clients/go/target/p4v1"
)

// Calls that fail with much to say: neither the connection nor who is primary may be lost by them.
func failures(options options) {
	primary := connect(options, 10)
	primary.arbitrate()
	backup := connect(options, 9)
	backup.arbitrate()
	n := namesOf(primary.setPipeline(1))
	next := 0
	// Inserts new routes, but for the last ones: these are not there to be modified.
	batch := func(size, failing int) []*p4v1.Update {
		updates := []*p4v1.Update{}
		for i := 0; i < size-failing; i++ {
			updates = append(updates, insert(n.route(next)))
			next++
		}
		for i := 0; i < failing; i++ {
			updates = append(updates, modify(n.route(5000+i)))
		}
		return updates
	}
	survives := func(name string) {
		check("write after "+name, failed(primary.write(batch(1, 0)...)))
		primary.packetOut("still the same stream")
		check("stream after "+name, shownPacket(primary.next().GetPacket(), 21))
	}
	check("one alone", failed(primary.write(batch(1, 1)...)))
	check("1 of 300", failed(primary.write(batch(300, 1)...)))
	survives("1 of 300")
	check("200 of 300", failed(primary.write(batch(300, 200)...)))
	survives("200 of 300")
	check("3000 of 3000", failed(primary.write(batch(3000, 3000)...)))
	survives("3000 of 3000")
	unknown := []*p4v1.Entity{}
	for i := 0; i < 300; i++ {
		unknown = append(unknown, entity(&p4v1.TableEntry{TableId: uint32(0x02000000 + i)}))
	}
	_, err := primary.readWith(func() {}, unknown...)
	check("300 reads", failed(err))
	survives("300 reads")
	call, err := primary.client.Read(context.Background(), &p4v1.ReadRequest{
		DeviceId: options.DeviceID, Role: strings.Repeat("long role ", 4000), Entities: unknown,
	})
	must(err)
	_, err = call.Recv()
	check("a long role", failed(err))
	survives("a long role")
	check("routes", len(primary.read(entity(&p4v1.TableEntry{TableId: n.id["routes"]}))) == next)
	check("end", primary.end())
	// The first word since it became backup.
	check("no primary", backup.arbitration())
	check("backup's end", backup.end())
}
