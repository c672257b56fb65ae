/** The controller's gRPC service for grpc-js, for server and client alike. */
export { ControllerService } from '../../protocol/generated/fpisa.js';

/** Trailer that carries the stable code of the error in addition to gRPC's. */
export const CODE_TRAILER = 'fpisa-code';
