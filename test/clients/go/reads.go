package main

import (
	"bytes"
	"context"
	"time"

	p4v1 "fpisa/test/clients/go/target/p4v1"
)

const routes = 1000
const metadataBytes = 20_000

// The limit for a message here and in most libraries.
const maxMessageBytes = 4 << 20

// Answers of many messages: 20 MB in 1,000 entries.
func reads(options options) {
	primary := connect(options, 10)
	primary.arbitrate()
	n := namesOf(primary.setPipeline(1))
	for i := 0; i < routes; i += 100 {
		updates := []*p4v1.Update{}
		for j := i; j < i+100; j++ {
			route := n.route(j)
			route.Metadata = bytes.Repeat([]byte{byte(j)}, metadataBytes)
			updates = append(updates, insert(route))
		}
		must(primary.write(updates...))
	}
	all := entity(&p4v1.TableEntry{TableId: n.id["routes"]})
	see := func(name string, between func()) {
		read, err := primary.readWith(between, all)
		distinct := map[string]bool{}
		whole := 0
		for _, each := range read.entities {
			distinct[string(each.GetTableEntry().GetMatch()[0].GetLpm().GetValue())] = true
			whole += len(each.GetTableEntry().GetMetadata())
		}
		check(name, map[string]any{
			"failure": failed(err), "entries": len(distinct), "metadata": whole,
			"severalMessages": read.messages > 1, "allBelowLimit": read.largest < maxMessageBytes,
		})
	}
	see("all", func() {})
	see("slowly", func() {
		// The rest of the answer waits in the switch, which does other work.
		must(primary.write(insert(n.route(routes)), remove(n.route(routes))))
		time.Sleep(time.Second)
	})
	abandoned, cancel := context.WithCancel(context.Background())
	call, err := primary.client.Read(abandoned, primary.request(all))
	must(err)
	_, err = call.Recv()
	cancel()
	check("abandoned", failed(err))
	see("after an abandoned read", func() {})
	check("end", primary.end())
}
