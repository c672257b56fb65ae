//! Calls that fail with much to say: neither the connection nor who is primary may be lost by them.
use crate::entities::{Names, failed, insert, modify, wanted};
use crate::link::{Options, check};
use crate::packets::{packet_back, packet_out};
use crate::protocol::p4::v1::{ReadRequest, TableEntry, Update};
use crate::session::{Answer, Session};

struct Attempts {
    primary: Session,
    names: Names,
    next: usize,
}

impl Attempts {
    /// Inserts new routes, but for the last ones: these are not there to be modified.
    fn batch(&mut self, size: usize, failing: usize) -> Vec<Update> {
        let first = self.next;
        self.next += size - failing;
        let good = (first..self.next).map(|i| insert(&self.names.route(i)));
        good.chain((0..failing).map(|i| modify(&self.names.route(5000 + i))))
            .collect()
    }

    async fn write(&mut self, name: &str, size: usize, failing: usize) {
        let updates = self.batch(size, failing);
        check(name, failed(&self.primary.write(updates).await));
    }

    async fn survives(&mut self, name: &str) {
        self.write(&format!("write after {name}"), 1, 0).await;
        packet_out(&self.primary, "still the same stream").await;
        check(
            &format!("stream after {name}"),
            packet_back(&mut self.primary, 21).await,
        );
    }

    async fn read(&mut self, name: &str, request: ReadRequest) {
        let result = match self.primary.client.read(request).await {
            Ok(response) => Answer::default().take_all(response.into_inner()).await,
            Err(status) => Err(status),
        };
        check(name, failed(&result));
    }
}

pub async fn run(options: &Options) {
    let (mut primary, _) = Session::connect(options, 10).await;
    let (mut backup, _) = Session::connect(options, 9).await;
    let names = Names::of(&primary.set_pipeline(options, 1).await);
    let mut attempts = Attempts {
        primary,
        names,
        next: 0,
    };
    attempts.write("one alone", 1, 1).await;
    for (name, size, failing) in [
        ("1 of 300", 300, 1),
        ("200 of 300", 300, 200),
        ("3000 of 3000", 3000, 3000),
    ] {
        attempts.write(name, size, failing).await;
        attempts.survives(name).await;
    }
    let unknown = (0..300).map(|i| {
        wanted(TableEntry {
            table_id: 0x0200_0000 + i,
            ..Default::default()
        })
    });
    let request = attempts.primary.request(unknown.collect());
    attempts.read("300 reads", request.clone()).await;
    attempts.survives("300 reads").await;
    attempts
        .read(
            "a long role",
            ReadRequest {
                role: "long role ".repeat(4000),
                ..request
            },
        )
        .await;
    attempts.survives("a long role").await;
    let Attempts {
        mut primary,
        names,
        next,
    } = attempts;
    check(
        "routes",
        primary.read(vec![names.all("routes")]).await.len() == next,
    );
    check("end", primary.end().await);
    // The first word since it became backup.
    check("no primary", backup.arbitration().await);
    check("backup's end", backup.end().await);
}
