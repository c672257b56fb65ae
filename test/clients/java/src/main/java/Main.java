import com.google.gson.Gson;

/** A P4Runtime client on grpc-java, which the tests in test/clients run: {@code Main SCENARIO OPTIONS}. */
public final class Main {
  public static void main(String[] arguments) throws Exception {
    Options options = new Gson().fromJson(arguments[1], Options.class);
    switch (arguments[0]) {
      case "features" -> new Features(options).run();
      case "failures" -> new Failures(options).run();
      case "reads" -> new Reads(options).run();
      default -> throw new IllegalArgumentException("there is no scenario " + arguments[0]);
    }
  }

  /** {@code p4info} is binary; {@code maxHeaderBytes} is what the client announces, 0 for its library's default. */
  record Options(String address, long deviceId, String p4info, String program, int maxHeaderBytes) {}
}
