import com.google.protobuf.ByteString;
import java.util.List;
import java.util.stream.Collectors;
import p4.v1.P4RuntimeOuterClass.*;

/** Packets from and to the controller. */
final class Packets {
  private Packets() {}

  /** The program sends what goes out at the CPU port straight back. */
  static void out(Session session, String payload) {
    PacketOut packet =
        PacketOut.newBuilder()
            .setPayload(ByteString.copyFromUtf8(payload))
            .addMetadata(PacketMetadata.newBuilder().setMetadataId(1).setValue(Names.bytes(1, 0xfe)))
            .addMetadata(PacketMetadata.newBuilder().setMetadataId(2).setValue(Names.bytes(0)))
            .build();
    session.send(StreamMessageRequest.newBuilder().setPacket(packet).build());
  }

  /** The packet that must come next: its metadata, and the last bytes of its payload. */
  static List<Object> back(Session session, int last) throws InterruptedException {
    StreamMessageResponse message = session.next();
    if (!message.hasPacket()) throw new IllegalStateException("no packet, but " + message);
    List<String> metadata =
        message.getPacket().getMetadataList().stream()
            .map(each -> each.getMetadataId() + "=" + Names.hex(each.getValue()))
            .sorted()
            .collect(Collectors.toList());
    ByteString payload = message.getPacket().getPayload();
    return List.of(metadata, payload.substring(payload.size() - last).toStringUtf8());
  }
}
