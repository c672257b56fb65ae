import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import google.rpc.StatusOuterClass;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.List;

/** What a call ended with. One of {@code updates} for each update, in order; none if the server sent no details. */
record Failure(String code, String message, List<String> updates) {
  private static final Metadata.Key<byte[]> DETAILS =
      Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);

  static Failure of(StatusRuntimeException error) {
    List<String> updates = new ArrayList<>();
    byte[] details = error.getTrailers() == null ? null : error.getTrailers().get(DETAILS);
    try {
      if (details != null)
        for (Any any : StatusOuterClass.Status.parseFrom(details).getDetailsList())
          updates.add(codeName(p4.v1.P4RuntimeOuterClass.Error.parseFrom(any.getValue()).getCanonicalCode()));
    } catch (InvalidProtocolBufferException wrong) {
      throw new IllegalStateException(wrong);
    }
    Status status = error.getStatus();
    return new Failure(status.getCode().name(), status.getDescription(), updates);
  }

  static String codeName(int code) {
    return Status.fromCodeValue(code).getCode().name();
  }
}
