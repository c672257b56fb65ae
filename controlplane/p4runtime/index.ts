export * from './client.js';
export * from './credentials.js';
export * from './entries.js';
export { EntityCodec, entryCall, entryIdentity } from './entity-codec.js';
export * from './errors.js';
export * from './pipeline.js';
