import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import p4.config.v1.P4InfoOuterClass.P4Info;
import p4.config.v1.P4InfoOuterClass.Preamble;
import p4.v1.P4RuntimeOuterClass.*;

/** Ids by the alias of a table, an action and so on, and back; and entities made and shown with them. */
final class Names {
  private final Map<String, Integer> ids = new HashMap<>();
  private final Map<Integer, String> names = new HashMap<>();

  Names(P4Info info) {
    info.getTablesList().forEach(each -> add(each.getPreamble()));
    info.getActionsList().forEach(each -> add(each.getPreamble()));
    info.getActionProfilesList().forEach(each -> add(each.getPreamble()));
    info.getCountersList().forEach(each -> add(each.getPreamble()));
    info.getMetersList().forEach(each -> add(each.getPreamble()));
    info.getDigestsList().forEach(each -> add(each.getPreamble()));
  }

  private void add(Preamble preamble) {
    ids.put(preamble.getAlias(), preamble.getId());
    names.put(preamble.getId(), preamble.getAlias());
  }

  int id(String name) {
    return ids.get(name);
  }

  static ByteString bytes(int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) bytes[i] = (byte) values[i];
    return ByteString.copyFrom(bytes);
  }

  static String hex(ByteString bytes) {
    return HexFormat.of().formatHex(bytes.toByteArray());
  }

  Action action(String name, int... parameters) {
    Action.Builder action = Action.newBuilder().setActionId(id(name));
    for (int i = 0; i < parameters.length; i++)
      action.addParams(Action.Param.newBuilder().setParamId(i + 1).setValue(bytes(parameters[i])));
    return action.build();
  }

  TableAction perform(String name, int... parameters) {
    return TableAction.newBuilder().setAction(action(name, parameters)).build();
  }

  TableEntry entry(String table, TableAction action, FieldMatch... matches) {
    return TableEntry.newBuilder()
        .setTableId(id(table))
        .setAction(action)
        .addAllMatch(Arrays.asList(matches))
        .build();
  }

  /** The route number {@code i}: one prefix of 48 bits each. */
  TableEntry route(int i) {
    return entry("routes", perform("forward", 2), lpm(48, 6, 0, 0, 1, i >> 8, i));
  }

  Entity all(String table) {
    return entity(TableEntry.newBuilder().setTableId(id(table)).build());
  }

  static FieldMatch exact(int... value) {
    return FieldMatch.newBuilder()
        .setFieldId(1)
        .setExact(FieldMatch.Exact.newBuilder().setValue(bytes(value)))
        .build();
  }

  static FieldMatch lpm(int bits, int... value) {
    return FieldMatch.newBuilder()
        .setFieldId(1)
        .setLpm(FieldMatch.LPM.newBuilder().setValue(bytes(value)).setPrefixLen(bits))
        .build();
  }

  static FieldMatch ternary(int field, ByteString value, ByteString mask) {
    return FieldMatch.newBuilder()
        .setFieldId(field)
        .setTernary(FieldMatch.Ternary.newBuilder().setValue(value).setMask(mask))
        .build();
  }

  static FieldMatch optional(int field, int... value) {
    return FieldMatch.newBuilder()
        .setFieldId(field)
        .setOptional(FieldMatch.Optional.newBuilder().setValue(bytes(value)))
        .build();
  }

  static FieldMatch between(int field, int low, int high) {
    return FieldMatch.newBuilder()
        .setFieldId(field)
        .setRange(FieldMatch.Range.newBuilder().setLow(bytes(low)).setHigh(bytes(high)))
        .build();
  }

  static Entity entity(Object of) {
    Entity.Builder entity = Entity.newBuilder();
    if (of instanceof TableEntry part) entity.setTableEntry(part);
    else if (of instanceof ActionProfileMember part) entity.setActionProfileMember(part);
    else if (of instanceof ActionProfileGroup part) entity.setActionProfileGroup(part);
    else if (of instanceof CounterEntry part) entity.setCounterEntry(part);
    else if (of instanceof DirectCounterEntry part) entity.setDirectCounterEntry(part);
    else if (of instanceof MeterEntry part) entity.setMeterEntry(part);
    else entity.setDigestEntry((DigestEntry) of);
    return entity.build();
  }

  private static Update update(Update.Type type, Object of) {
    return Update.newBuilder().setType(type).setEntity(entity(of)).build();
  }

  static Update insert(Object of) {
    return update(Update.Type.INSERT, of);
  }

  static Update modify(Object of) {
    return update(Update.Type.MODIFY, of);
  }

  static Update delete(Object of) {
    return update(Update.Type.DELETE, of);
  }

  /** Table entries as text, sorted. */
  List<String> shown(List<Entity> entities) {
    return entities.stream().map(each -> shown(each.getTableEntry())).sorted().collect(Collectors.toList());
  }

  String shown(TableEntry entry) {
    String fields = entry.getMatchList().stream().map(Names::shown).collect(Collectors.joining(", "));
    return "%s {%s} %s %d"
        .formatted(names.get(entry.getTableId()), fields, shown(entry.getAction()), entry.getPriority());
  }

  private static String shown(FieldMatch field) {
    String kind =
        switch (field.getFieldMatchTypeCase()) {
          case EXACT -> hex(field.getExact().getValue());
          case LPM -> hex(field.getLpm().getValue()) + "/" + field.getLpm().getPrefixLen();
          case TERNARY -> hex(field.getTernary().getValue()) + "&" + hex(field.getTernary().getMask());
          case OPTIONAL -> hex(field.getOptional().getValue()) + "?";
          case RANGE -> hex(field.getRange().getLow()) + ".." + hex(field.getRange().getHigh());
          default -> "?";
        };
    return field.getFieldId() + "=" + kind;
  }

  private String shown(Action action) {
    List<String> values = new ArrayList<>();
    for (Action.Param each : action.getParamsList()) values.add(hex(each.getValue()));
    return names.get(action.getActionId()) + "(" + String.join(", ", values) + ")";
  }

  private String shown(TableAction action) {
    return switch (action.getTypeCase()) {
      case ACTION -> shown(action.getAction());
      case ACTION_PROFILE_MEMBER_ID -> "member " + action.getActionProfileMemberId();
      case ACTION_PROFILE_GROUP_ID -> "group " + action.getActionProfileGroupId();
      case ACTION_PROFILE_ACTION_SET ->
          "any of "
              + action.getActionProfileActionSet().getActionProfileActionsList().stream()
                  .map(each -> shown(each.getAction()) + "*" + each.getWeight())
                  .collect(Collectors.joining(", "));
      default -> "nothing";
    };
  }
}
