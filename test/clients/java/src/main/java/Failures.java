import java.util.ArrayList;
import java.util.List;
import p4.v1.P4RuntimeOuterClass.*;

/** Calls that fail with much to say: neither the connection nor who is primary may be lost by them. */
final class Failures {
  private final Session primary;
  private final Session backup;
  private Names n;
  private int next;

  Failures(Main.Options options) {
    primary = new Session(options, 10);
    backup = new Session(options, 9);
  }

  void run() throws Exception {
    primary.arbitrate();
    backup.arbitrate();
    n = new Names(primary.setPipeline(1));
    write("one alone", 1, 1);
    write("1 of 300", 300, 1);
    survives("1 of 300");
    write("200 of 300", 300, 200);
    survives("200 of 300");
    write("3000 of 3000", 3000, 3000);
    survives("3000 of 3000");
    List<Entity> unknown = new ArrayList<>();
    for (int i = 0; i < 300; i++)
      unknown.add(Names.entity(TableEntry.newBuilder().setTableId(0x02000000 + i).build()));
    ReadRequest request = primary.request(unknown);
    Link.check("300 reads", primary.read(request, () -> {}).failure);
    survives("300 reads");
    ReadRequest longRole = request.toBuilder().setRole("long role ".repeat(4000)).build();
    Link.check("a long role", primary.read(longRole, () -> {}).failure);
    survives("a long role");
    Link.check("routes", primary.read(n.all("routes")).size() == next);
    Link.check("end", primary.end());
    // The first word since it became backup.
    Link.check("no primary", backup.arbitration());
    Link.check("backup's end", backup.end());
  }

  /** Inserts new routes, but for the last ones: these are not there to be modified. */
  private void write(String name, int size, int failing) {
    List<Update> updates = new ArrayList<>();
    for (int i = 0; i < size - failing; i++) updates.add(Names.insert(n.route(next++)));
    for (int i = 0; i < failing; i++) updates.add(Names.modify(n.route(5000 + i)));
    Link.check(name, primary.write(updates));
  }

  private void survives(String name) throws InterruptedException {
    write("write after " + name, 1, 0);
    Packets.out(primary, "still the same stream");
    Link.check("stream after " + name, Packets.back(primary, 21));
  }
}
