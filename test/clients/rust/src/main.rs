//! A P4Runtime client on tonic, which the tests in test/clients run: `p4runtime-client SCENARIO OPTIONS`.
mod entities;
mod failures;
mod features;
mod link;
mod packets;
mod reads;
mod session;

#[allow(dead_code)]
mod protocol {
    include!(concat!(env!("OUT_DIR"), "/protocol.rs"));
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let options = link::Options::parse(&arguments[2]);
    // The connection is served while this thread waits for the test.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        match arguments[1].as_str() {
            "features" => features::run(&options).await,
            "failures" => failures::run(&options).await,
            "reads" => reads::run(&options).await,
            other => panic!("there is no scenario {other}"),
        }
    });
}
