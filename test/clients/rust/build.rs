//! The messages and the client of P4Runtime, from the descriptors that the test lets buf write.
use prost::Message;

fn main() {
    const DESCRIPTORS: &str = "target/p4runtime.binpb";
    println!("cargo::rerun-if-changed={DESCRIPTORS}");
    let bytes = std::fs::read(DESCRIPTORS).expect("test/clients/support/compiled.ts writes it");
    let files = prost_types::FileDescriptorSet::decode(bytes.as_slice()).unwrap();
    tonic_prost_build::configure()
        .build_server(false)
        .include_file("protocol.rs")
        .compile_fds(files)
        .unwrap();
}
