import com.google.gson.JsonArray;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import p4.v1.P4DataOuterClass.P4Data;
import p4.v1.P4RuntimeOuterClass.*;

/** The normal use of a switch, from the first message of the stream to its end. */
final class Features {
  private static final int[] SERVICE = {2, 0, 10, 0, 0, 0xfe};
  private static final int[] SENDER = {2, 0, 0x7f, 0, 0, 1};

  private final Session primary;
  private final Session backup;
  private Names n;

  Features(Main.Options options) {
    primary = new Session(options, 10);
    backup = new Session(options, 9);
  }

  void run() throws Exception {
    Link.check("primary", primary.arbitrate());
    Link.check("backup", backup.arbitrate());
    n = new Names(primary.setPipeline(0xfedcba9876543210L));
    var cookie = primary.getPipeline(GetForwardingPipelineConfigRequest.ResponseType.COOKIE_ONLY).getCookie();
    Link.check("cookie", Long.toHexString(cookie.getCookie()));
    ForwardingPipelineConfig whole = primary.getPipeline(GetForwardingPipelineConfigRequest.ResponseType.ALL);
    Link.check("pipeline", List.of(whole.getP4Info().getTablesCount(), whole.getP4DeviceConfig().size()));
    CapabilitiesResponse capabilities = primary.stub.capabilities(CapabilitiesRequest.getDefaultInstance());
    Link.check("version", capabilities.getP4RuntimeApiVersion());

    tables();
    counters();
    meters();
    profiles();
    packets();
    digests();
    idle();

    Link.check("end", primary.end());
    Link.check("no primary", backup.arbitration());
    Link.check("successor", backup.arbitrate(11));
    Link.check("successor writes", backup.write(Names.insert(n.route(1))));
    Link.check("successor's end", backup.end());
  }

  private void tables() throws InterruptedException {
    TableEntry l2 = n.entry("l2", n.perform("forward", 2), Names.exact(SERVICE));
    TableEntry acl =
        n.entry(
                "acl",
                n.perform("drop"),
                Names.ternary(1, Names.bytes(2, 0, 0, 0, 0, 0), Names.bytes(0xff, 0, 0, 0, 0, 0)),
                Names.optional(2, 8, 0),
                Names.between(3, 2, 3))
            .toBuilder()
            .setPriority(7)
            .build();
    TableEntry route = n.entry("routes", n.perform("note", 3, 99), Names.lpm(8, 2, 0, 0, 0, 0, 0));
    Link.check("backup writes", backup.write(Names.insert(l2)).code());
    Link.check("batch", primary.write(Names.insert(l2), Names.insert(route), Names.insert(acl)));
    Entity[] all = {n.all("l2"), n.all("routes"), n.all("acl")};
    Link.check("entries", n.shown(backup.read(all)));
    Link.inject(1, "hello");
    Link.check("forwarded", Link.egress(1));
    TableEntry key = TableEntry.newBuilder().setTableId(l2.getTableId()).addAllMatch(l2.getMatchList()).build();
    Link.check("hits", hits(DirectCounterEntry.newBuilder().setTableEntry(key).build()));
    TableEntry elsewhere = l2.toBuilder().setAction(n.perform("forward", 3)).build();
    Link.check("modify", primary.write(Names.modify(elsewhere)));
    Link.inject(1, "hello");
    Link.check("forwarded after MODIFY", Link.egress(1));
    Failure again = primary.write(Names.insert(l2), Names.delete(acl), Names.delete(acl));
    Link.check("two of three fail", List.of(again.code(), again.updates()));
    Link.check("emptied", primary.write(Names.delete(l2), Names.delete(route)));
    Link.check("no entries", primary.read(all).size());
  }

  /** The packet is counted when it has been seen to leave, or soon after. */
  private long hits(DirectCounterEntry direct) throws InterruptedException {
    long end = System.nanoTime() + Link.PATIENCE_S * 1_000_000_000L;
    for (; ; ) {
      Entity read = primary.read(Names.entity(direct)).get(0);
      long packets = read.getDirectCounterEntry().getData().getPacketCount();
      if (packets == 1 || System.nanoTime() > end) return packets;
      Thread.sleep(20);
    }
  }

  private void counters() {
    CounterEntry all = CounterEntry.newBuilder().setCounterId(n.id("seen")).build();
    CounterEntry one = all.toBuilder().setIndex(Index.newBuilder().setIndex(5)).build();
    CounterData data = CounterData.newBuilder().setPacketCount(17).setByteCount(1L << 50).build();
    Link.check("counter write", primary.write(Names.modify(one.toBuilder().setData(data).build())));
    CounterData read = primary.read(Names.entity(one)).get(0).getCounterEntry().getData();
    Link.check("counter", List.of(read.getPacketCount(), read.getByteCount()));
    Link.check("counters", primary.read(Names.entity(all)).size());
  }

  private void meters() {
    MeterEntry all = MeterEntry.newBuilder().setMeterId(n.id("policer")).build();
    MeterEntry one = all.toBuilder().setIndex(Index.newBuilder().setIndex(2)).build();
    MeterConfig config = MeterConfig.newBuilder().setCir(10).setCburst(20).setPir(30).setPburst(40).build();
    Link.check("meter write", primary.write(Names.modify(one.toBuilder().setConfig(config).build())));
    MeterConfig read = primary.read(Names.entity(one)).get(0).getMeterEntry().getConfig();
    Link.check("meter", List.of(read.getCir(), read.getCburst(), read.getPir(), read.getPburst()));
    Link.check("meters", primary.read(Names.entity(all)).size());
  }

  private ActionProfileMember member(int id) {
    return ActionProfileMember.newBuilder()
        .setActionProfileId(n.id("selector"))
        .setMemberId(id)
        .setAction(n.action("forward", id))
        .build();
  }

  private void profiles() {
    ActionProfileGroup all = ActionProfileGroup.newBuilder().setActionProfileId(n.id("selector")).build();
    ActionProfileGroup group =
        all.toBuilder()
            .setGroupId(1)
            .setMaxSize(4)
            .addMembers(ActionProfileGroup.Member.newBuilder().setMemberId(1).setWeight(2))
            .addMembers(ActionProfileGroup.Member.newBuilder().setMemberId(2).setWeight(1))
            .build();
    TableAction toGroup = TableAction.newBuilder().setActionProfileGroupId(1).build();
    TableEntry byGroup = n.entry("balanced", toGroup, Names.exact(8, 0));
    Link.check("members", primary.write(Names.insert(member(1)), Names.insert(member(2))));
    Link.check("group", primary.write(Names.insert(group), Names.insert(byGroup)));
    Link.check("balanced", n.shown(primary.read(n.all("balanced"))));
    Link.check(
        "groups",
        primary.read(Names.entity(all)).stream()
            .map(each -> each.getActionProfileGroup().getMembersCount())
            .collect(Collectors.toList()));
    Link.inject(3, "balance");
    int port = ((JsonArray) Link.egress(1).get(0)).get(0).getAsInt();
    Link.check("to a member", port == 1 || port == 2);
    Failure inUse = primary.write(Names.delete(member(1)));
    Link.check("member in use", List.of(inUse.code(), inUse.updates()));
    Link.check(
        "profile emptied",
        primary.write(
            Names.delete(byGroup), Names.delete(group), Names.delete(member(1)), Names.delete(member(2))));
    ActionProfileActionSet set =
        ActionProfileActionSet.newBuilder()
            .addActionProfileActions(
                ActionProfileAction.newBuilder().setAction(n.action("forward", 2)).setWeight(1))
            .build();
    TableAction any = TableAction.newBuilder().setActionProfileActionSet(set).build();
    TableEntry oneShot = n.entry("balanced", any, Names.exact(8, 0));
    Link.check("one-shot", primary.write(Names.insert(oneShot)));
    Link.check("one-shots", n.shown(primary.read(n.all("balanced"))));
    Link.inject(3, "one shot");
    Link.check("by one-shot", Link.egress(1));
    Link.check("one-shot deleted", primary.write(Names.delete(oneShot)));
  }

  private void packets() throws InterruptedException {
    Packets.out(primary, "there, and back again");
    Link.check("packet back", Packets.back(primary, 21));
    TableEntry toCpu = n.entry("l2", n.perform("to_cpu"), Names.exact(SERVICE));
    primary.mustWrite(Names.insert(toCpu));
    Link.inject(2, "for the controller");
    Link.check("packet-in", Packets.back(primary, 18));
    primary.mustWrite(Names.delete(toCpu));
  }

  private void digests() throws InterruptedException {
    DigestEntry digest =
        DigestEntry.newBuilder()
            .setDigestId(n.id("learn_t"))
            .setConfig(DigestEntry.Config.newBuilder().setMaxListSize(1).setAckTimeoutNs(1_000_000_000_000L))
            .build();
    TableEntry learn = n.entry("learned", n.perform("learn"), Names.exact(SENDER));
    Link.check("digest enabled", primary.write(Names.insert(digest), Names.insert(learn)));
    // The second list has the same sample, which comes only because the first list was acknowledged.
    for (String name : List.of("digest", "digest after the acknowledgement")) {
      Link.inject(3, "learn");
      DigestList list = primary.next().getDigest();
      List<String> fields = new ArrayList<>();
      for (P4Data field : list.getData(0).getStruct().getMembersList()) fields.add(Names.hex(field.getBitstring()));
      Link.check(name, fields);
      DigestListAck ack =
          DigestListAck.newBuilder().setDigestId(list.getDigestId()).setListId(list.getListId()).build();
      primary.send(StreamMessageRequest.newBuilder().setDigestAck(ack).build());
      // The stream's messages are taken in order: once the error has come, the next packet cannot overtake the
      // acknowledgement.
      primary.send(StreamMessageRequest.newBuilder().setDigestAck(DigestListAck.getDefaultInstance()).build());
      if (!primary.next().hasError()) throw new IllegalStateException("no error came");
    }
    Link.check("digest disabled", primary.write(Names.delete(learn), Names.delete(digest)));
  }

  private void idle() throws InterruptedException {
    TableEntry entry =
        n.entry("l2", n.perform("forward", 1), Names.exact(2, 0, 0, 0, 0, 0x77)).toBuilder()
            .setIdleTimeoutNs(200_000_000)
            .build();
    Link.check("idle entry", primary.write(Names.insert(entry)));
    IdleTimeoutNotification notification = primary.next().getIdleTimeoutNotification();
    Link.check("idle timeout", List.of(n.shown(notification.getTableEntry(0))));
    Link.check("idle entry deleted", primary.write(Names.delete(entry)));
  }
}
