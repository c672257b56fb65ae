//! Answers of many messages: 20 MB in 1,000 entries.
use crate::entities::{Names, delete, failed, insert};
use crate::link::{Options, check};
use crate::protocol::p4::v1::{entity::Entity, field_match::FieldMatchType};
use crate::session::{Answer, Session};
use serde_json::json;
use std::collections::HashSet;
use std::time::Duration;
use tonic::Status;

const ROUTES: usize = 1000;
const METADATA_BYTES: usize = 20_000;
/// The limit for a message here and in most libraries.
const MAX_MESSAGE_BYTES: usize = 4 << 20;

pub async fn run(options: &Options) {
    let (mut primary, _) = Session::connect(options, 10).await;
    let names = Names::of(&primary.set_pipeline(options, 1).await);
    for first in (0..ROUTES).step_by(100) {
        let route = |i: usize| {
            let mut route = names.route(i);
            route.metadata = vec![i as u8; METADATA_BYTES];
            insert(&route)
        };
        primary
            .write((first..first + 100).map(route).collect())
            .await
            .unwrap();
    }
    let all = vec![names.all("routes")];

    let mut answer = Answer::default();
    let stream = primary.begin_read(all.clone()).await.unwrap();
    see("all", answer.take_all(stream).await, &answer);

    // The rest of the answer waits in the switch, which does other work.
    let mut answer = Answer::default();
    let mut stream = primary.begin_read(all.clone()).await.unwrap();
    let result = match answer.take(&mut stream).await {
        Ok(_) => {
            let extra = names.route(ROUTES);
            primary
                .write(vec![insert(&extra), delete(&extra)])
                .await
                .unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
            answer.take_all(stream).await
        }
        Err(status) => Err(status),
    };
    see("slowly", result, &answer);

    let mut stream = primary.begin_read(all.clone()).await.unwrap();
    let first = Answer::default().take(&mut stream).await.map(|_| ());
    drop(stream);
    check("abandoned", failed(&first));

    let mut answer = Answer::default();
    let stream = primary.begin_read(all).await.unwrap();
    see(
        "after an abandoned read",
        answer.take_all(stream).await,
        &answer,
    );
    check("end", primary.end().await);
}

fn see(name: &str, result: Result<(), Status>, answer: &Answer) {
    let mut distinct = HashSet::new();
    let mut metadata = 0;
    for each in &answer.entities {
        let Some(Entity::TableEntry(entry)) = &each.entity else {
            panic!("no entry")
        };
        let Some(FieldMatchType::Lpm(key)) = &entry.r#match[0].field_match_type else {
            panic!("no prefix")
        };
        distinct.insert(&key.value);
        metadata += entry.metadata.len();
    }
    check(
        name,
        json!({
            "failure": failed(&result),
            "entries": distinct.len(),
            "metadata": metadata,
            "severalMessages": answer.messages > 1,
            "allBelowLimit": answer.largest < MAX_MESSAGE_BYTES,
        }),
    );
}
