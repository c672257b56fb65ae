import com.google.protobuf.ByteString;
import io.grpc.Context;
import io.grpc.StatusRuntimeException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import p4.v1.P4RuntimeOuterClass.*;

/** Answers of many messages: 20 MB in 1,000 entries. */
final class Reads {
  private static final int ROUTES = 1000;
  private static final int METADATA_BYTES = 20_000;
  /** The limit for a message here and in most libraries. */
  private static final int MAX_MESSAGE_BYTES = 4 << 20;

  private final Session primary;
  private ReadRequest all;

  Reads(Main.Options options) {
    primary = new Session(options, 10);
  }

  void run() throws Exception {
    primary.arbitrate();
    Names n = new Names(primary.setPipeline(1));
    for (int first = 0; first < ROUTES; first += 100) {
      Update[] updates = new Update[100];
      for (int i = 0; i < updates.length; i++) {
        byte[] metadata = new byte[METADATA_BYTES];
        Arrays.fill(metadata, (byte) (first + i));
        updates[i] =
            Names.insert(n.route(first + i).toBuilder().setMetadata(ByteString.copyFrom(metadata)).build());
      }
      primary.mustWrite(updates);
    }
    all = primary.request(List.of(n.all("routes")));
    see("all", () -> {});
    see(
        "slowly",
        () -> {
          // The rest of the answer waits in the switch, which does other work.
          primary.mustWrite(Names.insert(n.route(ROUTES)), Names.delete(n.route(ROUTES)));
          try {
            Thread.sleep(1000);
          } catch (InterruptedException error) {
            throw new IllegalStateException(error);
          }
        });
    Context.CancellableContext context = Context.current().withCancellation();
    context.run(
        () -> {
          Failure failure = null;
          try {
            primary.stub.read(all).next();
          } catch (StatusRuntimeException error) {
            failure = Failure.of(error);
          }
          Link.check("abandoned", failure);
        });
    context.cancel(null);
    see("after an abandoned read", () -> {});
    Link.check("end", primary.end());
  }

  private void see(String name, Runnable between) {
    Session.Answer answer = primary.read(all, between);
    Set<ByteString> distinct = new HashSet<>();
    long metadata = 0;
    for (Entity each : answer.entities) {
      distinct.add(each.getTableEntry().getMatch(0).getLpm().getValue());
      metadata += each.getTableEntry().getMetadata().size();
    }
    Map<String, Object> seen = new LinkedHashMap<>();
    seen.put("failure", answer.failure);
    seen.put("entries", distinct.size());
    seen.put("metadata", metadata);
    seen.put("severalMessages", answer.messages > 1);
    seen.put("allBelowLimit", answer.largest < MAX_MESSAGE_BYTES);
    Link.check(name, seen);
  }
}
