package main

import (
	"context"
	"fmt"
	"sort"

	p4v1 "fpisa/test/clients/go/target/p4v1"
)

var service = []byte{2, 0, 10, 0, 0, 0xfe}
var sender = []byte{2, 0, 0x7f, 0, 0, 1}

// The normal use of a switch, from the first message of the stream to its end.
func features(options options) {
	primary := connect(options, 10)
	check("primary", primary.arbitrate())
	backup := connect(options, 9)
	check("backup", backup.arbitrate())
	info := primary.setPipeline(0xfedcba9876543210)
	check("cookie", fmt.Sprintf("%x", primary.getPipeline(p4v1.GetForwardingPipelineConfigRequest_COOKIE_ONLY).GetCookie().GetCookie()))
	whole := primary.getPipeline(p4v1.GetForwardingPipelineConfigRequest_ALL)
	check("pipeline", []int{len(whole.GetP4Info().GetTables()), len(whole.GetP4DeviceConfig())})
	capabilities, err := primary.client.Capabilities(context.Background(), &p4v1.CapabilitiesRequest{})
	must(err)
	check("version", capabilities.GetP4RuntimeApiVersion())
	n := namesOf(info)

	tables(primary, backup, n)
	counters(primary, n)
	meters(primary, n)
	profiles(primary, n)
	packets(primary, n)
	digests(primary, n)
	idle(primary, n)

	check("end", primary.end())
	check("no primary", backup.arbitration())
	backup.electionID = 11
	check("successor", backup.arbitrate())
	check("successor writes", failed(backup.write(insert(n.route(1)))))
	check("successor's end", backup.end())
}

func tables(primary, backup *session, n names) {
	l2 := n.entry("l2", perform(n.action("forward", 2)), exact(service...))
	acl := n.entry("acl", perform(n.action("drop")), ternary(1, []byte{2, 0, 0, 0, 0, 0}, []byte{0xff, 0, 0, 0, 0, 0}), optional(2, 8, 0), between(3, 2, 3))
	acl.Priority = 7
	route := n.entry("routes", perform(n.action("note", 3, 99)), lpm(8, 2, 0, 0, 0, 0, 0))
	check("backup writes", failed(backup.write(insert(l2))).(failure).Code)
	check("batch", failed(primary.write(insert(l2), insert(route), insert(acl))))
	wanted := []*p4v1.Entity{}
	for _, table := range []string{"l2", "routes", "acl"} {
		wanted = append(wanted, entity(&p4v1.TableEntry{TableId: n.id[table]}))
	}
	check("entries", n.shown(backup.read(wanted...)))
	inject(1, 1, "hello")
	check("forwarded", egress(1))
	direct := &p4v1.DirectCounterEntry{TableEntry: &p4v1.TableEntry{TableId: l2.TableId, Match: l2.Match}}
	check("hits", eventually(func() any {
		return primary.read(entity(direct))[0].GetDirectCounterEntry().GetData().GetPacketCount()
	}, int64(1)))
	l2.Action = perform(n.action("forward", 3))
	check("modify", failed(primary.write(modify(l2))))
	inject(1, 1, "hello")
	check("forwarded after MODIFY", egress(1))
	again := failed(primary.write(insert(l2), remove(acl), remove(acl))).(failure)
	check("two of three fail", []any{again.Code, again.Updates})
	check("emptied", failed(primary.write(remove(l2), remove(route))))
	check("no entries", len(primary.read(wanted...)))
}

func counters(primary *session, n names) {
	index := &p4v1.Index{Index: 5}
	check("counter write", failed(primary.write(modify(&p4v1.CounterEntry{
		CounterId: n.id["seen"], Index: index, Data: &p4v1.CounterData{PacketCount: 17, ByteCount: 1 << 50},
	}))))
	data := primary.read(entity(&p4v1.CounterEntry{CounterId: n.id["seen"], Index: index}))[0].GetCounterEntry().GetData()
	check("counter", []int64{data.GetPacketCount(), data.GetByteCount()})
	check("counters", len(primary.read(entity(&p4v1.CounterEntry{CounterId: n.id["seen"]}))))
}

func meters(primary *session, n names) {
	index := &p4v1.Index{Index: 2}
	check("meter write", failed(primary.write(modify(&p4v1.MeterEntry{
		MeterId: n.id["policer"], Index: index, Config: &p4v1.MeterConfig{Cir: 10, Cburst: 20, Pir: 30, Pburst: 40},
	}))))
	config := primary.read(entity(&p4v1.MeterEntry{MeterId: n.id["policer"], Index: index}))[0].GetMeterEntry().GetConfig()
	check("meter", []int64{config.GetCir(), config.GetCburst(), config.GetPir(), config.GetPburst()})
	check("meters", len(primary.read(entity(&p4v1.MeterEntry{MeterId: n.id["policer"]}))))
}

func profiles(primary *session, n names) {
	selector := n.id["selector"]
	member := func(id uint32) *p4v1.ActionProfileMember {
		return &p4v1.ActionProfileMember{ActionProfileId: selector, MemberId: id, Action: n.action("forward", byte(id))}
	}
	group := &p4v1.ActionProfileGroup{ActionProfileId: selector, GroupId: 1, MaxSize: 4, Members: []*p4v1.ActionProfileGroup_Member{
		{MemberId: 1, Weight: 2}, {MemberId: 2, Weight: 1},
	}}
	byGroup := n.entry("balanced", &p4v1.TableAction{Type: &p4v1.TableAction_ActionProfileGroupId{ActionProfileGroupId: 1}}, exact(8, 0))
	check("members", failed(primary.write(insert(member(1)), insert(member(2)))))
	check("group", failed(primary.write(insert(group), insert(byGroup))))
	balanced := entity(&p4v1.TableEntry{TableId: n.id["balanced"]})
	check("balanced", n.shown(primary.read(balanced)))
	sizes := []int{}
	for _, each := range primary.read(entity(&p4v1.ActionProfileGroup{ActionProfileId: selector})) {
		sizes = append(sizes, len(each.GetActionProfileGroup().GetMembers()))
	}
	check("groups", sizes)
	inject(3, 1, "balance")
	port := egress(1).([]any)[0].([]any)[0].(float64)
	check("to a member", port == 1 || port == 2)
	inUse := failed(primary.write(remove(member(1)))).(failure)
	check("member in use", []any{inUse.Code, inUse.Updates})
	check("profile emptied", failed(primary.write(remove(byGroup), remove(group), remove(member(1)), remove(member(2)))))
	oneShot := n.entry("balanced", &p4v1.TableAction{Type: &p4v1.TableAction_ActionProfileActionSet{ActionProfileActionSet: &p4v1.ActionProfileActionSet{
		ActionProfileActions: []*p4v1.ActionProfileAction{{Action: n.action("forward", 2), Weight: 1}},
	}}}, exact(8, 0))
	check("one-shot", failed(primary.write(insert(oneShot))))
	check("one-shots", n.shown(primary.read(balanced)))
	inject(3, 1, "one shot")
	check("by one-shot", egress(1))
	check("one-shot deleted", failed(primary.write(remove(oneShot))))
}

func shownPacket(packet *p4v1.PacketIn, last int) any {
	metadata := []string{}
	for _, each := range packet.GetMetadata() {
		metadata = append(metadata, fmt.Sprintf("%d=%x", each.GetMetadataId(), each.GetValue()))
	}
	sort.Strings(metadata)
	payload := packet.GetPayload()
	return []any{metadata, string(payload[len(payload)-last:])}
}

// The program sends what goes out at the CPU port straight back.
func (s *session) packetOut(payload string) {
	must(s.stream.Send(&p4v1.StreamMessageRequest{Update: &p4v1.StreamMessageRequest_Packet{Packet: &p4v1.PacketOut{
		Payload:  []byte(payload),
		Metadata: []*p4v1.PacketMetadata{{MetadataId: 1, Value: []byte{1, 0xfe}}, {MetadataId: 2, Value: []byte{0}}},
	}}}))
}

func packets(primary *session, n names) {
	primary.packetOut("there, and back again")
	check("packet back", shownPacket(primary.next().GetPacket(), 21))
	toCPU := n.entry("l2", perform(n.action("to_cpu")), exact(service...))
	must(primary.write(insert(toCPU)))
	inject(2, 1, "for the controller")
	check("packet-in", shownPacket(primary.next().GetPacket(), 18))
	must(primary.write(remove(toCPU)))
}

func digests(primary *session, n names) {
	digest := &p4v1.DigestEntry{DigestId: n.id["learn_t"], Config: &p4v1.DigestEntry_Config{MaxListSize: 1, AckTimeoutNs: 1_000_000_000_000}}
	learn := n.entry("learned", perform(n.action("learn")), exact(sender...))
	check("digest enabled", failed(primary.write(insert(digest), insert(learn))))
	// The second list has the same sample, which comes only because the first list was acknowledged.
	for _, name := range []string{"digest", "digest after the acknowledgement"} {
		inject(3, 1, "learn")
		list := primary.next().GetDigest()
		fields := []string{}
		for _, field := range list.GetData()[0].GetStruct().GetMembers() {
			fields = append(fields, fmt.Sprintf("%x", field.GetBitstring()))
		}
		check(name, fields)
		must(primary.stream.Send(&p4v1.StreamMessageRequest{Update: &p4v1.StreamMessageRequest_DigestAck{
			DigestAck: &p4v1.DigestListAck{DigestId: list.GetDigestId(), ListId: list.GetListId()},
		}}))
		// The stream's messages are taken in order: once the error has come, the next packet cannot overtake the
		// acknowledgement.
		must(primary.stream.Send(&p4v1.StreamMessageRequest{Update: &p4v1.StreamMessageRequest_DigestAck{DigestAck: &p4v1.DigestListAck{}}}))
		if primary.next().GetError() == nil {
			panic("no error came")
		}
	}
	check("digest disabled", failed(primary.write(remove(learn), remove(digest))))
}

func idle(primary *session, n names) {
	entry := n.entry("l2", perform(n.action("forward", 1)), exact(2, 0, 0, 0, 0, 0x77))
	entry.IdleTimeoutNs = 200_000_000
	check("idle entry", failed(primary.write(insert(entry))))
	notification := primary.next().GetIdleTimeoutNotification()
	check("idle timeout", n.shown([]*p4v1.Entity{entity(notification.GetTableEntry()[0])}))
	check("idle entry deleted", failed(primary.write(remove(entry))))
}
