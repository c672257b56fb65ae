//! One controller: a connection of its own, with its stream.
use crate::entities::code_name;
use crate::link::{Options, PATIENCE};
use crate::protocol::p4::config::v1::P4Info;
use crate::protocol::p4::v1::{
    Entity, ForwardingPipelineConfig, GetForwardingPipelineConfigRequest, MasterArbitrationUpdate,
    ReadRequest, ReadResponse, SetForwardingPipelineConfigRequest, StreamMessageRequest,
    StreamMessageResponse, Uint128, Update, WriteRequest, forwarding_pipeline_config::Cookie,
    p4_runtime_client::P4RuntimeClient, set_forwarding_pipeline_config_request::Action,
    stream_message_request, stream_message_response,
};
use prost::Message;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Status, Streaming};

pub struct Session {
    pub device_id: u64,
    pub election_id: u64,
    pub client: P4RuntimeClient<Channel>,
    requests: mpsc::Sender<StreamMessageRequest>,
    responses: Streaming<StreamMessageResponse>,
}

/// What a Read has brought.
#[derive(Default)]
pub struct Answer {
    pub entities: Vec<Entity>,
    pub messages: usize,
    pub largest: usize,
}

impl Session {
    /// Asks to become primary; the answer is beside the session.
    pub async fn connect(options: &Options, election_id: u64) -> (Self, Value) {
        let mut endpoint = Endpoint::from_shared(format!("http://{}", options.address))
            .unwrap()
            .http2_keep_alive_interval(Duration::from_secs(1))
            .keep_alive_timeout(PATIENCE)
            .keep_alive_while_idle(true);
        if let Some(bytes) = options.max_header_bytes {
            endpoint = endpoint.http2_max_header_list_size(bytes);
        }
        let mut client = P4RuntimeClient::new(endpoint.connect().await.unwrap());
        let (requests, queue) = mpsc::channel(100);
        requests
            .send(arbitration(options.device_id, election_id))
            .await
            .unwrap();
        let responses = client
            .stream_channel(ReceiverStream::new(queue))
            .await
            .unwrap()
            .into_inner();
        let device_id = options.device_id;
        let mut session = Self {
            device_id,
            election_id,
            client,
            requests,
            responses,
        };
        let answer = session.arbitration().await;
        (session, answer)
    }

    fn election(&self) -> Option<Uint128> {
        Some(Uint128 {
            high: 0,
            low: self.election_id,
        })
    }

    /// Asks once more, with another election id.
    pub async fn arbitrate(&mut self, election_id: u64) -> Value {
        self.election_id = election_id;
        self.requests
            .send(arbitration(self.device_id, election_id))
            .await
            .unwrap();
        self.arbitration().await
    }

    /// The next word on who is primary.
    pub async fn arbitration(&mut self) -> Value {
        let stream_message_response::Update::Arbitration(update) = self.next().await else {
            panic!("another message came first")
        };
        json!([
            code_name(update.status.unwrap().code),
            update.election_id.unwrap().low
        ])
    }

    pub async fn next(&mut self) -> stream_message_response::Update {
        let message = tokio::time::timeout(PATIENCE, self.responses.message()).await;
        message
            .expect("no message has come")
            .unwrap()
            .expect("the stream has ended")
            .update
            .unwrap()
    }

    pub async fn send(&self, update: stream_message_request::Update) {
        self.requests
            .send(StreamMessageRequest {
                update: Some(update),
            })
            .await
            .unwrap();
    }

    pub async fn set_pipeline(&mut self, options: &Options, cookie: u64) -> P4Info {
        let info = P4Info::decode(std::fs::read(&options.p4info).unwrap().as_slice()).unwrap();
        let request = SetForwardingPipelineConfigRequest {
            device_id: self.device_id,
            election_id: self.election(),
            action: Action::VerifyAndCommit as i32,
            config: Some(ForwardingPipelineConfig {
                p4info: Some(info.clone()),
                p4_device_config: std::fs::read(&options.program).unwrap(),
                cookie: Some(Cookie { cookie }),
            }),
            ..Default::default()
        };
        self.client
            .set_forwarding_pipeline_config(request)
            .await
            .unwrap();
        info
    }

    pub async fn get_pipeline(&mut self, response_type: i32) -> ForwardingPipelineConfig {
        let request = GetForwardingPipelineConfigRequest {
            device_id: self.device_id,
            response_type,
        };
        let response = self
            .client
            .get_forwarding_pipeline_config(request)
            .await
            .unwrap();
        response.into_inner().config.unwrap()
    }

    pub async fn write(&mut self, updates: Vec<Update>) -> Result<(), Status> {
        let request = WriteRequest {
            device_id: self.device_id,
            election_id: self.election(),
            updates,
            ..Default::default()
        };
        self.client.write(request).await.map(|_| ())
    }

    pub fn request(&self, entities: Vec<Entity>) -> ReadRequest {
        ReadRequest {
            device_id: self.device_id,
            entities,
            ..Default::default()
        }
    }

    pub async fn begin_read(
        &mut self,
        entities: Vec<Entity>,
    ) -> Result<Streaming<ReadResponse>, Status> {
        let request = self.request(entities);
        self.client
            .read(request)
            .await
            .map(|response| response.into_inner())
    }

    pub async fn read(&mut self, entities: Vec<Entity>) -> Vec<Entity> {
        let stream = self.begin_read(entities).await.unwrap();
        let mut answer = Answer::default();
        answer.take_all(stream).await.unwrap();
        answer.entities
    }

    /// Ends the stream as a client should, and returns how the server ended it.
    pub async fn end(self) -> Value {
        let Self {
            requests,
            mut responses,
            ..
        } = self;
        drop(requests);
        loop {
            match tokio::time::timeout(PATIENCE, responses.message())
                .await
                .expect("the stream does not end")
            {
                Ok(Some(_)) => (),
                Ok(None) => return json!("OK"),
                Err(status) => return json!(code_name(status.code() as i32)),
            }
        }
    }
}

impl Answer {
    /// The next message; false at the end.
    pub async fn take(&mut self, stream: &mut Streaming<ReadResponse>) -> Result<bool, Status> {
        let Some(message) = stream.message().await? else {
            return Ok(false);
        };
        self.messages += 1;
        self.largest = self.largest.max(message.encoded_len());
        self.entities.extend(message.entities);
        Ok(true)
    }

    pub async fn take_all(&mut self, mut stream: Streaming<ReadResponse>) -> Result<(), Status> {
        while self.take(&mut stream).await? {}
        Ok(())
    }
}

fn arbitration(device_id: u64, low: u64) -> StreamMessageRequest {
    let update = MasterArbitrationUpdate {
        device_id,
        election_id: Some(Uint128 { high: 0, low }),
        ..Default::default()
    };
    StreamMessageRequest {
        update: Some(stream_message_request::Update::Arbitration(update)),
    }
}
