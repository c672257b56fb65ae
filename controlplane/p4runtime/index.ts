export * from './client.js';
export type { ClientOptions } from './client-options.js';
export * from './credentials.js';
export * from './entries.js';
export { EntityCodec, entryCall, entryIdentity } from './entity-codec.js';
export * from './errors.js';
export * from './pipeline.js';
export type { DigestEvent, PacketInEvent } from './stream-messages.js';
export type { ClientEvents, ConnectionState } from './reconnecting-client.js';
