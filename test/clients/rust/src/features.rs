//! The normal use of a switch, from the first message of the stream to its end.
use crate::entities::{
    Names, between, delete, exact, failed, insert, lpm, modify, optional, ternary, wanted,
};
use crate::link::{Options, PATIENCE, check, egress, hex, inject};
use crate::packets::{packet_back, packet_out};
use crate::protocol::p4::v1::{
    ActionProfileAction, ActionProfileActionSet, ActionProfileGroup, ActionProfileMember,
    CapabilitiesRequest, CounterData, CounterEntry, DigestEntry, DigestListAck, DirectCounterEntry,
    Index, MeterConfig, MeterEntry, TableEntry, action_profile_group::Member, digest_entry,
    entity::Entity, get_forwarding_pipeline_config_request::ResponseType, p4_data::Data,
    stream_message_request, stream_message_response, table_action,
};
use crate::session::Session;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const SERVICE: [u8; 6] = [2, 0, 10, 0, 0, 0xfe];
const SENDER: [u8; 6] = [2, 0, 0x7f, 0, 0, 1];

pub async fn run(options: &Options) {
    let (mut primary, answer) = Session::connect(options, 10).await;
    check("primary", answer);
    let (mut backup, answer) = Session::connect(options, 9).await;
    check("backup", answer);
    let info = primary.set_pipeline(options, 0xfedc_ba98_7654_3210).await;
    let cookie = primary
        .get_pipeline(ResponseType::CookieOnly as i32)
        .await
        .cookie
        .unwrap()
        .cookie;
    check("cookie", format!("{cookie:x}"));
    let whole = primary.get_pipeline(ResponseType::All as i32).await;
    check(
        "pipeline",
        json!([
            whole.p4info.unwrap().tables.len(),
            whole.p4_device_config.len()
        ]),
    );
    let capabilities = primary
        .client
        .capabilities(CapabilitiesRequest {})
        .await
        .unwrap()
        .into_inner();
    check("version", capabilities.p4runtime_api_version);
    let n = Names::of(&info);

    tables(&mut primary, &mut backup, &n).await;
    counters(&mut primary, &n).await;
    meters(&mut primary, &n).await;
    profiles(&mut primary, &n).await;
    packets(&mut primary, &n).await;
    digests(&mut primary, &n).await;
    idle(&mut primary, &n).await;

    check("end", primary.end().await);
    check("no primary", backup.arbitration().await);
    check("successor", backup.arbitrate(11).await);
    check(
        "successor writes",
        failed(&backup.write(vec![insert(&n.route(1))]).await),
    );
    check("successor's end", backup.end().await);
}

async fn tables(primary: &mut Session, backup: &mut Session, n: &Names) {
    let mut l2 = n.entry("l2", n.perform("forward", &[2]), vec![exact(&SERVICE)]);
    let key = vec![
        ternary(1, &[2, 0, 0, 0, 0, 0], &[0xff, 0, 0, 0, 0, 0]),
        optional(2, &[8, 0]),
        between(3, 2, 3),
    ];
    let mut acl = n.entry("acl", n.perform("drop", &[]), key);
    acl.priority = 7;
    let route = n.entry(
        "routes",
        n.perform("note", &[3, 99]),
        vec![lpm(8, &[2, 0, 0, 0, 0, 0])],
    );
    check(
        "backup writes",
        failed(&backup.write(vec![insert(&l2)]).await)["code"].clone(),
    );
    check(
        "batch",
        failed(
            &primary
                .write(vec![insert(&l2), insert(&route), insert(&acl)])
                .await,
        ),
    );
    let all: Vec<_> = ["l2", "routes", "acl"].map(|table| n.all(table)).into();
    check("entries", n.shown(backup.read(all.clone()).await));
    inject(1, "hello");
    check("forwarded", egress(1));
    let key = TableEntry {
        table_id: l2.table_id,
        r#match: l2.r#match.clone(),
        ..Default::default()
    };
    let direct = DirectCounterEntry {
        table_entry: Some(key),
        data: None,
    };
    check("hits", hits(primary, &direct).await);
    l2.action = n.entry("l2", n.perform("forward", &[3]), vec![]).action;
    check("modify", failed(&primary.write(vec![modify(&l2)]).await));
    inject(1, "hello");
    check("forwarded after MODIFY", egress(1));
    let again = failed(
        &primary
            .write(vec![insert(&l2), delete(&acl), delete(&acl)])
            .await,
    );
    check(
        "two of three fail",
        json!([again["code"], again["updates"]]),
    );
    check(
        "emptied",
        failed(&primary.write(vec![delete(&l2), delete(&route)]).await),
    );
    check("no entries", primary.read(all).await.len());
}

/// The packet is counted when it has been seen to leave, or soon after.
async fn hits(primary: &mut Session, direct: &DirectCounterEntry) -> Value {
    let end = Instant::now() + PATIENCE;
    loop {
        let read = primary.read(vec![wanted(direct.clone())]).await;
        let Some(Entity::DirectCounterEntry(entry)) = &read[0].entity else {
            panic!("no counter")
        };
        let packets = entry.data.unwrap().packet_count;
        if packets == 1 || Instant::now() > end {
            return json!(packets);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn counters(primary: &mut Session, n: &Names) {
    let index = Some(Index { index: 5 });
    let counter_id = n.id("seen");
    let data = Some(CounterData {
        packet_count: 17,
        byte_count: 1 << 50,
    });
    check(
        "counter write",
        failed(
            &primary
                .write(vec![modify(&CounterEntry {
                    counter_id,
                    index,
                    data,
                })])
                .await,
        ),
    );
    let read = primary
        .read(vec![wanted(CounterEntry {
            counter_id,
            index,
            data: None,
        })])
        .await;
    let Some(Entity::CounterEntry(entry)) = &read[0].entity else {
        panic!("no counter")
    };
    let data = entry.data.unwrap();
    check("counter", json!([data.packet_count, data.byte_count]));
    let all = CounterEntry {
        counter_id,
        ..Default::default()
    };
    check("counters", primary.read(vec![wanted(all)]).await.len());
}

async fn meters(primary: &mut Session, n: &Names) {
    let config = Some(MeterConfig {
        cir: 10,
        cburst: 20,
        pir: 30,
        pburst: 40,
        ..Default::default()
    });
    let all = MeterEntry {
        meter_id: n.id("policer"),
        ..Default::default()
    };
    let one = MeterEntry {
        index: Some(Index { index: 2 }),
        ..all
    };
    check(
        "meter write",
        failed(
            &primary
                .write(vec![modify(&MeterEntry { config, ..one })])
                .await,
        ),
    );
    let read = primary.read(vec![wanted(one)]).await;
    let Some(Entity::MeterEntry(entry)) = &read[0].entity else {
        panic!("no meter")
    };
    let config = entry.config.unwrap();
    check(
        "meter",
        json!([config.cir, config.cburst, config.pir, config.pburst]),
    );
    check("meters", primary.read(vec![wanted(all)]).await.len());
}

async fn profiles(primary: &mut Session, n: &Names) {
    let action_profile_id = n.id("selector");
    let member = |id: u8| ActionProfileMember {
        action_profile_id,
        member_id: id.into(),
        action: Some(n.action("forward", &[id])),
    };
    let part = |member_id, weight| Member {
        member_id,
        weight,
        ..Default::default()
    };
    let members = vec![part(1, 2), part(2, 1)];
    let group = ActionProfileGroup {
        action_profile_id,
        group_id: 1,
        members,
        max_size: 4,
    };
    let by_group = n.entry(
        "balanced",
        table_action::Type::ActionProfileGroupId(1),
        vec![exact(&[8, 0])],
    );
    check(
        "members",
        failed(
            &primary
                .write(vec![insert(&member(1)), insert(&member(2))])
                .await,
        ),
    );
    check(
        "group",
        failed(&primary.write(vec![insert(&group), insert(&by_group)]).await),
    );
    check(
        "balanced",
        n.shown(primary.read(vec![n.all("balanced")]).await),
    );
    let groups = primary
        .read(vec![wanted(ActionProfileGroup {
            action_profile_id,
            ..Default::default()
        })])
        .await;
    let sizes = groups.iter().map(|each| match &each.entity {
        Some(Entity::ActionProfileGroup(group)) => group.members.len(),
        _ => 0,
    });
    check("groups", sizes.collect::<Vec<_>>());
    inject(3, "balance");
    let port = egress(1)[0][0].as_u64().unwrap();
    check("to a member", port == 1 || port == 2);
    let in_use = failed(&primary.write(vec![delete(&member(1))]).await);
    check("member in use", json!([in_use["code"], in_use["updates"]]));
    let emptied = vec![
        delete(&by_group),
        delete(&group),
        delete(&member(1)),
        delete(&member(2)),
    ];
    check("profile emptied", failed(&primary.write(emptied).await));
    let action = ActionProfileAction {
        action: Some(n.action("forward", &[2])),
        weight: 1,
        ..Default::default()
    };
    let set = ActionProfileActionSet {
        action_profile_actions: vec![action],
    };
    let one_shot = n.entry(
        "balanced",
        table_action::Type::ActionProfileActionSet(set),
        vec![exact(&[8, 0])],
    );
    check(
        "one-shot",
        failed(&primary.write(vec![insert(&one_shot)]).await),
    );
    check(
        "one-shots",
        n.shown(primary.read(vec![n.all("balanced")]).await),
    );
    inject(3, "one shot");
    check("by one-shot", egress(1));
    check(
        "one-shot deleted",
        failed(&primary.write(vec![delete(&one_shot)]).await),
    );
}

async fn packets(primary: &mut Session, n: &Names) {
    packet_out(primary, "there, and back again").await;
    check("packet back", packet_back(primary, 21).await);
    let to_cpu = n.entry("l2", n.perform("to_cpu", &[]), vec![exact(&SERVICE)]);
    primary.write(vec![insert(&to_cpu)]).await.unwrap();
    inject(2, "for the controller");
    check("packet-in", packet_back(primary, 18).await);
    primary.write(vec![delete(&to_cpu)]).await.unwrap();
}

async fn digests(primary: &mut Session, n: &Names) {
    let config = digest_entry::Config {
        max_list_size: 1,
        ack_timeout_ns: 1_000_000_000_000,
        ..Default::default()
    };
    let digest = DigestEntry {
        digest_id: n.id("learn_t"),
        config: Some(config),
    };
    let learn = n.entry("learned", n.perform("learn", &[]), vec![exact(&SENDER)]);
    check(
        "digest enabled",
        failed(&primary.write(vec![insert(&digest), insert(&learn)]).await),
    );
    // The second list has the same sample, which comes only because the first list was acknowledged.
    for name in ["digest", "digest after the acknowledgement"] {
        inject(3, "learn");
        let stream_message_response::Update::Digest(list) = primary.next().await else {
            panic!("no digest came")
        };
        let Some(Data::Struct(sample)) = &list.data[0].data else {
            panic!("no struct")
        };
        let fields = sample.members.iter().map(|field| match &field.data {
            Some(Data::Bitstring(bits)) => hex(bits),
            _ => "?".to_owned(),
        });
        check(name, fields.collect::<Vec<_>>());
        let ack = DigestListAck {
            digest_id: list.digest_id,
            list_id: list.list_id,
        };
        primary
            .send(stream_message_request::Update::DigestAck(ack))
            .await;
        // The stream's messages are taken in order: once the error has come, the next packet cannot overtake the
        // acknowledgement.
        let unknown = DigestListAck::default();
        primary
            .send(stream_message_request::Update::DigestAck(unknown))
            .await;
        let stream_message_response::Update::Error(_) = primary.next().await else {
            panic!("no error came")
        };
    }
    check(
        "digest disabled",
        failed(&primary.write(vec![delete(&learn), delete(&digest)]).await),
    );
}

async fn idle(primary: &mut Session, n: &Names) {
    let mut entry = n.entry(
        "l2",
        n.perform("forward", &[1]),
        vec![exact(&[2, 0, 0, 0, 0, 0x77])],
    );
    entry.idle_timeout_ns = 200_000_000;
    check(
        "idle entry",
        failed(&primary.write(vec![insert(&entry)]).await),
    );
    let stream_message_response::Update::IdleTimeoutNotification(notification) =
        primary.next().await
    else {
        panic!("no notification came")
    };
    check(
        "idle timeout",
        json!([n.shown_entry(&notification.table_entry[0])]),
    );
    check(
        "idle entry deleted",
        failed(&primary.write(vec![delete(&entry)]).await),
    );
}
