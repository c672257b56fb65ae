import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import p4.config.v1.P4InfoOuterClass.P4Info;
import p4.v1.P4RuntimeGrpc;
import p4.v1.P4RuntimeOuterClass.*;

/** One controller: a connection of its own, with its stream. */
final class Session {
  final Main.Options options;
  final ManagedChannel channel;
  final P4RuntimeGrpc.P4RuntimeBlockingStub stub;
  private final StreamObserver<StreamMessageRequest> requests;
  /** Messages, and at last a code. */
  private final BlockingQueue<Object> arrived = new LinkedBlockingQueue<>();
  private long electionId;

  Session(Main.Options options, long electionId) {
    this.options = options;
    this.electionId = electionId;
    NettyChannelBuilder builder =
        NettyChannelBuilder.forTarget(options.address())
            .usePlaintext()
            // As often as this library allows.
            .keepAliveTime(10, TimeUnit.SECONDS)
            .keepAliveWithoutCalls(true);
    if (options.maxHeaderBytes() > 0) builder.maxInboundMetadataSize(options.maxHeaderBytes());
    channel = builder.build();
    stub = P4RuntimeGrpc.newBlockingStub(channel);
    requests =
        P4RuntimeGrpc.newStub(channel)
            .streamChannel(
                new StreamObserver<>() {
                  @Override
                  public void onNext(StreamMessageResponse message) {
                    arrived.add(message);
                  }

                  @Override
                  public void onError(Throwable error) {
                    arrived.add(error.toString());
                  }

                  @Override
                  public void onCompleted() {
                    arrived.add("OK");
                  }
                });
  }

  private Uint128 election() {
    return Uint128.newBuilder().setLow(electionId).build();
  }

  /** Asks to become primary, and returns the answer. */
  List<Object> arbitrate(long electionId) throws InterruptedException {
    this.electionId = electionId;
    send(
        StreamMessageRequest.newBuilder()
            .setArbitration(
                MasterArbitrationUpdate.newBuilder().setDeviceId(options.deviceId()).setElectionId(election()))
            .build());
    return arbitration();
  }

  List<Object> arbitrate() throws InterruptedException {
    return arbitrate(electionId);
  }

  /** The next word on who is primary. */
  List<Object> arbitration() throws InterruptedException {
    MasterArbitrationUpdate update = next().getArbitration();
    return List.of(Failure.codeName(update.getStatus().getCode()), update.getElectionId().getLow());
  }

  StreamMessageResponse next() throws InterruptedException {
    Object message = arrived.poll(Link.PATIENCE_S, TimeUnit.SECONDS);
    if (message instanceof StreamMessageResponse response) return response;
    throw new IllegalStateException(message == null ? "no message has come" : "the stream has ended: " + message);
  }

  void send(StreamMessageRequest message) {
    requests.onNext(message);
  }

  P4Info setPipeline(long cookie) throws IOException {
    P4Info info = P4Info.parseFrom(Files.readAllBytes(Path.of(options.p4info())));
    stub.setForwardingPipelineConfig(
        SetForwardingPipelineConfigRequest.newBuilder()
            .setDeviceId(options.deviceId())
            .setElectionId(election())
            .setAction(SetForwardingPipelineConfigRequest.Action.VERIFY_AND_COMMIT)
            .setConfig(
                ForwardingPipelineConfig.newBuilder()
                    .setP4Info(info)
                    .setP4DeviceConfig(ByteString.copyFrom(Files.readAllBytes(Path.of(options.program()))))
                    .setCookie(ForwardingPipelineConfig.Cookie.newBuilder().setCookie(cookie)))
            .build());
    return info;
  }

  ForwardingPipelineConfig getPipeline(GetForwardingPipelineConfigRequest.ResponseType type) {
    return stub.getForwardingPipelineConfig(
            GetForwardingPipelineConfigRequest.newBuilder()
                .setDeviceId(options.deviceId())
                .setResponseType(type)
                .build())
        .getConfig();
  }

  /** Null if all is well. */
  Failure write(List<Update> updates) {
    try {
      stub.write(
          WriteRequest.newBuilder()
              .setDeviceId(options.deviceId())
              .setElectionId(election())
              .addAllUpdates(updates)
              .build());
      return null;
    } catch (StatusRuntimeException error) {
      return Failure.of(error);
    }
  }

  Failure write(Update... updates) {
    return write(Arrays.asList(updates));
  }

  /** For writes that only prepare. */
  void mustWrite(Update... updates) {
    Failure failure = write(updates);
    if (failure != null) throw new IllegalStateException(failure.toString());
  }

  ReadRequest request(List<Entity> entities) {
    return ReadRequest.newBuilder().setDeviceId(options.deviceId()).addAllEntities(entities).build();
  }

  /** Calls {@code between} when the first message has been read, and before the second. */
  Answer read(ReadRequest request, Runnable between) {
    Answer answer = new Answer();
    try {
      Iterator<ReadResponse> responses = stub.read(request);
      while (responses.hasNext()) {
        ReadResponse message = responses.next();
        answer.entities.addAll(message.getEntitiesList());
        answer.largest = Math.max(answer.largest, message.getSerializedSize());
        if (++answer.messages == 1) between.run();
      }
    } catch (StatusRuntimeException error) {
      answer.failure = Failure.of(error);
    }
    return answer;
  }

  List<Entity> read(Entity... wanted) {
    Answer answer = read(request(List.of(wanted)), () -> {});
    if (answer.failure != null) throw new IllegalStateException(answer.failure.toString());
    return answer.entities;
  }

  /** Ends the stream as a client should, and returns how the server ended it. */
  String end() throws InterruptedException {
    requests.onCompleted();
    Object message;
    do message = arrived.poll(Link.PATIENCE_S, TimeUnit.SECONDS);
    while (message instanceof StreamMessageResponse);
    channel.shutdown().awaitTermination(Link.PATIENCE_S, TimeUnit.SECONDS);
    return message == null ? "it does not end" : message.toString();
  }

  /** What a Read has brought. */
  static final class Answer {
    final List<Entity> entities = new ArrayList<>();
    int messages;
    int largest;
    Failure failure;
  }
}
