/**
 * BMv2's gRPC service for the packets themselves (`--dp-grpc-server-addr`; services/p4/bm/dataplane_interface.proto in
 * its repository). Unlike network interfaces it needs no privileges, carries any length, says which packet an output
 * came from, and tells when the switch has finished: the stream ends only when no packet is left inside.
 */
import {
  Client,
  makeClientConstructor,
  type CallOptions,
  type ClientDuplexStream,
  type MethodDefinition,
} from '@grpc/grpc-js';
import protobuf from 'protobufjs';

export interface DataplanePacket {
  /** Of the input packet; an output carries the id of the input it came from. Above 0. */
  readonly id: number;
  readonly deviceId: number;
  readonly port: number;
  readonly packet: Uint8Array;
}

const message = (name: string): protobuf.Type =>
  new protobuf.Type(name)
    .add(new protobuf.Field('id', 1, 'uint64'))
    .add(new protobuf.Field('deviceId', 2, 'uint64'))
    .add(new protobuf.Field('port', 3, 'uint32'))
    .add(new protobuf.Field('packet', 4, 'bytes'));

const serialize = (type: protobuf.Type) => (value: DataplanePacket) => Buffer.from(type.encode(value).finish());
const deserialize = (type: protobuf.Type) => (bytes: Buffer) =>
  type.toObject(type.decode(bytes), { longs: Number, defaults: true }) as DataplanePacket;

function packetStream(): MethodDefinition<DataplanePacket, DataplanePacket> {
  const request = message('PacketStreamRequest');
  const response = message('PacketStreamResponse');
  new protobuf.Root().define('p4.bm').add(request).add(response);
  return {
    path: '/p4.bm.DataplaneInterface/PacketStream',
    requestStream: true,
    responseStream: true,
    requestSerialize: serialize(request),
    requestDeserialize: deserialize(request),
    responseSerialize: serialize(response),
    responseDeserialize: deserialize(response),
  };
}

export interface DataplaneStub extends Client {
  PacketStream(options?: CallOptions): ClientDuplexStream<DataplanePacket, DataplanePacket>;
}

export const DataplaneClient = makeClientConstructor(
  { PacketStream: packetStream() },
  'p4.bm.DataplaneInterface',
) as unknown as new (...args: ConstructorParameters<typeof Client>) => DataplaneStub;
