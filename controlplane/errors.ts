/**
 * Errors of the control plane. Each carries a stable `code` and the gRPC status it becomes when it
 * crosses the controller's service; its message lists the valid choices.
 */
import { status } from '@grpc/grpc-js';
import { counted } from '../net/count.js';
import { fileProblem } from '../net/file-problem.js';
import { FpisaError } from '../protocol/errors.js';

/** Base of every error that the controller throws on purpose. */
export abstract class ControlPlaneError extends FpisaError {
  /** gRPC status code with which the service reports it. */
  abstract readonly grpcStatus: status;
}

/** "a, b, c", or `none` for an empty list: how every message lists the valid choices. */
export function choices(values: Iterable<string | number>): string {
  const list = [...values];
  return list.length === 0 ? 'none' : list.join(', ');
}

export class UnknownJobError extends ControlPlaneError {
  readonly code = 'FPISA_UNKNOWN_JOB';
  readonly grpcStatus = status.NOT_FOUND;
  constructor(name: string, jobs: Iterable<string>) {
    super(`there is no job "${name}" (jobs: ${choices(jobs)})`);
  }
}

export class JobExistsError extends ControlPlaneError {
  readonly code = 'FPISA_JOB_EXISTS';
  readonly grpcStatus = status.ALREADY_EXISTS;
  constructor(name: string, jobs: Iterable<string>) {
    super(`a job named "${name}" exists already (jobs: ${choices(jobs)})`);
  }
}

/** The tensors that a worker announces do not fit the job, or those of the workers that wait for it. */
export class TensorsDifferError extends ControlPlaneError {
  readonly code = 'FPISA_TENSORS_DIFFER';
  readonly grpcStatus = status.FAILED_PRECONDITION;
}

/** A request with invalid values for a job: name, worker count, slots, profile. */
export class InvalidJobError extends ControlPlaneError {
  readonly code = 'FPISA_INVALID_JOB';
  readonly grpcStatus = status.INVALID_ARGUMENT;
}

/** A switch of the job runs a build whose arithmetic does not compute the job's profile. */
export class ProfileNotOfferedError extends ControlPlaneError {
  readonly code = 'FPISA_PROFILE_NOT_OFFERED';
  readonly grpcStatus = status.INVALID_ARGUMENT;
  /** @param profile that the job requires. @param offered presets of the build */
  constructor(profile: string, switchName: string, build: string, offered: Iterable<string>) {
    super(
      `switch "${switchName}" runs build ${build}, which does not compute ${profile} (its profiles: ${choices(offered)})`,
    );
  }
}

/** The slot pool of a switch has no free range of the requested length. */
export class PoolFullError extends ControlPlaneError {
  readonly code = 'FPISA_POOL_FULL';
  readonly grpcStatus = status.RESOURCE_EXHAUSTED;
}

/** Every job number of a switch is in use. */
export class TooManyJobsError extends ControlPlaneError {
  readonly code = 'FPISA_TOO_MANY_JOBS';
  readonly grpcStatus = status.RESOURCE_EXHAUSTED;
}

/** A job that still has connected workers cannot be deleted without `force`. */
export class JobBusyError extends ControlPlaneError {
  readonly code = 'FPISA_JOB_BUSY';
  readonly grpcStatus = status.FAILED_PRECONDITION;
}

export class UnknownSwitchError extends ControlPlaneError {
  readonly code = 'FPISA_UNKNOWN_SWITCH';
  readonly grpcStatus = status.NOT_FOUND;
}

/** The configuration of a switch cannot be used. */
export class SwitchConfigError extends ControlPlaneError {
  readonly code = 'FPISA_SWITCH_CONFIG';
  readonly grpcStatus = status.INVALID_ARGUMENT;
}

/** The operation needs the switch, which is not connected or not programmed. */
export class SwitchNotReadyError extends ControlPlaneError {
  readonly code = 'FPISA_SWITCH_NOT_READY';
  readonly grpcStatus = status.UNAVAILABLE;
}

export class RankOutOfRangeError extends ControlPlaneError {
  readonly code = 'FPISA_RANK_OUT_OF_RANGE';
  readonly grpcStatus = status.INVALID_ARGUMENT;
  constructor(rank: number, job: string, workers: number, free: Iterable<number>) {
    super(
      `rank ${rank} is not a rank of job "${job}": it has ${counted(workers, 'worker')}, ${workers === 1 ? 'rank 0' : `ranks 0 to ${workers - 1}`} (free: ${choices(free)})`,
    );
  }
}

export class RankTakenError extends ControlPlaneError {
  readonly code = 'FPISA_RANK_TAKEN';
  readonly grpcStatus = status.ALREADY_EXISTS;
  constructor(rank: number, job: string, holder: string, free: Iterable<number>) {
    super(`rank ${rank} of job "${job}" is held by the worker at ${holder} (free: ${choices(free)})`);
  }
}

/** All ranks of the job have a connected worker. */
export class JobFullError extends ControlPlaneError {
  readonly code = 'FPISA_JOB_FULL';
  readonly grpcStatus = status.RESOURCE_EXHAUSTED;
  constructor(job: string, workers: number) {
    super(
      `job "${job}" is full: ${workers === 1 ? 'its only rank has' : `all of its ${workers} ranks have`} a connected worker`,
    );
  }
}

export class AddressTakenError extends ControlPlaneError {
  readonly code = 'FPISA_ADDRESS_TAKEN';
  readonly grpcStatus = status.ALREADY_EXISTS;
}

/** A worker's IP address, MAC address or UDP port that no packet can come from. */
export class InvalidAddressError extends ControlPlaneError {
  readonly code = 'FPISA_INVALID_ADDRESS';
  readonly grpcStatus = status.INVALID_ARGUMENT;
}

/** The switch port that a worker requested does not exist, or no port is free. */
export class SwitchPortError extends ControlPlaneError {
  readonly code = 'FPISA_SWITCH_PORT';
  readonly grpcStatus = status.RESOURCE_EXHAUSTED;
}

/** A Join stream that does not follow the session protocol. */
export class SessionProtocolError extends ControlPlaneError {
  readonly code = 'FPISA_SESSION_PROTOCOL';
  readonly grpcStatus = status.FAILED_PRECONDITION;
}

/** The job was deleted while its workers were connected. */
export class JobDeletedError extends ControlPlaneError {
  readonly code = 'FPISA_JOB_DELETED';
  readonly grpcStatus = status.NOT_FOUND;
}

/** The controller is shutting down; its successor knows the same jobs. */
export class ControllerStoppedError extends ControlPlaneError {
  readonly code = 'FPISA_CONTROLLER_STOPPED';
  readonly grpcStatus = status.UNAVAILABLE;
}

/** This worker's membership ended by the controller's decision; it may join again. */
export class MembershipEndedError extends ControlPlaneError {
  readonly code = 'FPISA_MEMBERSHIP_ENDED';
  readonly grpcStatus = status.ABORTED;
}

/** Another controller uses the store. */
export class StoreLockedError extends ControlPlaneError {
  readonly code = 'FPISA_STORE_LOCKED';
  readonly grpcStatus = status.FAILED_PRECONDITION;
}

const STORE_REMEDIES: Readonly<Record<string, string>> = {
  EISDIR: 'choose a file in it',
  ENOSPC: 'then start the controller again',
  EDQUOT: 'then start the controller again',
  ENOLCK: 'its file system cannot lock files: choose a place on another one',
  EOPNOTSUPP: 'its file system cannot lock files: choose a place on another one',
  MODULE_NOT_FOUND: 'the lock of the store needs the package koffi: install it with "npm install koffi"',
};
const OTHER_STORE = 'choose a file that this process may write';

/** The store's file or its lock cannot be opened, read, written or made. */
export class StoreAccessError extends ControlPlaneError {
  readonly code = 'FPISA_STORE_ACCESS';
  readonly grpcStatus = status.FAILED_PRECONDITION;
  constructor(location: string, cause: NodeJS.ErrnoException) {
    const { path } = cause;
    // The temporary file beside it has a name that the user does not know.
    const isOther = path !== undefined && path !== location && !path.endsWith('.tmp');
    const name = isOther ? `${path}: ` : '';
    super(`the store ${location} cannot be used: ${name}${storeProblem(cause, isOther)}`, { cause });
  }
}

/** @param isOther it is not the store itself: a folder above it, or its lock, which must be no link */
function storeProblem(cause: NodeJS.ErrnoException, isOther: boolean): string {
  const { code = '' } = cause;
  if (code === 'ENOENT') return `it cannot be made there; ${OTHER_STORE}`;
  if (isOther && code === 'ELOOP') return 'a symbolic link is in the way; remove it, or choose another store';
  const remedy = isOther && code === 'EISDIR' ? 'remove it, or choose another store' : STORE_REMEDIES[code];
  return `${fileProblem(cause).split('\n', 1)[0]!}; ${remedy ?? OTHER_STORE}`;
}

/** The store's file was not written by this version. */
export class StoreFormatError extends ControlPlaneError {
  readonly code = 'FPISA_STORE_FORMAT';
  readonly grpcStatus = status.DATA_LOSS;
}

/** A build of the P4 program does not exist or cannot be read. */
export class ArtifactError extends ControlPlaneError {
  readonly code = 'FPISA_ARTIFACT';
  readonly grpcStatus = status.FAILED_PRECONDITION;
}
