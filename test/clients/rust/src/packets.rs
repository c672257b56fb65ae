//! Packets from and to the controller.
use crate::link::hex;
use crate::protocol::p4::v1::{
    PacketMetadata, PacketOut, stream_message_request, stream_message_response,
};
use crate::session::Session;
use serde_json::{Value, json};

/// The program sends what goes out at the CPU port straight back.
pub async fn packet_out(session: &Session, payload: &str) {
    let metadata = |metadata_id, value: &[u8]| PacketMetadata {
        metadata_id,
        value: value.to_vec(),
    };
    let packet = PacketOut {
        payload: payload.into(),
        metadata: vec![metadata(1, &[1, 0xfe]), metadata(2, &[0])],
    };
    session
        .send(stream_message_request::Update::Packet(packet))
        .await;
}

/// The packet that must come next: its metadata, and the last bytes of its payload.
pub async fn packet_back(session: &mut Session, last: usize) -> Value {
    let stream_message_response::Update::Packet(packet) = session.next().await else {
        panic!("no packet came")
    };
    let shown = packet
        .metadata
        .iter()
        .map(|each| format!("{}={}", each.metadata_id, hex(&each.value)));
    let mut metadata: Vec<String> = shown.collect();
    metadata.sort();
    let payload = &packet.payload[packet.payload.len() - last..];
    json!([metadata, String::from_utf8_lossy(payload)])
}
