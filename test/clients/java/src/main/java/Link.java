import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;

/** Lines of JSON that the program and the test say to each other (see ../../../../scripts/link.py). */
final class Link {
  /** Far beyond what a switch takes; the machine may be busy. */
  static final int PATIENCE_S = 60;

  private static final Gson GSON = new GsonBuilder().serializeNulls().disableHtmlEscaping().create();
  private static final BufferedReader ANSWERS =
      new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));

  private Link() {}

  private static void say(Object line) {
    System.out.println(GSON.toJson(line));
  }

  private static String ask(Object line) {
    say(line);
    try {
      return ANSWERS.readLine();
    } catch (IOException error) {
      throw new IllegalStateException("the test has gone", error);
    }
  }

  /** Something that was seen; the test compares it with what it expects. */
  static void check(String name, Object value) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("check", name);
    line.put("value", value);
    say(line);
  }

  /** Gives the switch a UDP packet from 127.0.0.1. */
  static void inject(int port, String payload) {
    String hex = HexFormat.of().formatHex(payload.getBytes(StandardCharsets.UTF_8));
    ask(Map.of("inject", Map.of("port", port, "sender", 1, "payload", hex)));
  }

  /** The next packets that leave the switch, sorted: [port, payload]. */
  static JsonArray egress(int count) {
    return GSON.fromJson(ask(Map.of("egress", count)), JsonArray.class);
  }
}
