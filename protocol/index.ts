export * from './constants.js';
export * from './message.js';
export * from './probe.js';
export * from './errors.js';
export * from './submission.js';
export * from './service.js';
export { shippedFile } from '../net/package-files.js';
export * from './grpc-reason.js';
