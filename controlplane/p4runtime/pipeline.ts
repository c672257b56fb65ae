/** A forwarding pipeline: what SetForwardingPipelineConfig sends. */
import { createHash } from 'node:crypto';
import { P4InfoIndex } from '../../p4runtime/p4info.js';
import { p4infoCodec } from '../../p4runtime/p4info-file.js';
import type { P4Info } from '../../p4runtime/p4info-messages.js';

export interface PipelineConfig {
  /** For people, for example `fpisa-n64`. */
  readonly name: string;
  readonly p4info: P4Info;
  readonly index: P4InfoIndex;
  /** For BMv2 the JSON that p4c wrote. */
  readonly deviceConfig: Uint8Array;
  /** Distinguishes this pipeline from others; the switch stores and returns it. 64 bits. */
  readonly cookie: bigint;
}

/** The first 32 bits of the SHA-256 of program and P4Info. */
export function contentHash(p4info: P4Info, deviceConfig: Uint8Array): number {
  return createHash('sha256').update(p4infoCodec.encode(p4info)).update(deviceConfig).digest().readUInt32BE(0);
}

/** @param cookie by default the hash of the contents, so that equal pipelines have equal cookies */
export function makePipeline(name: string, p4info: P4Info, deviceConfig: Uint8Array, cookie?: bigint): PipelineConfig {
  return {
    name,
    p4info,
    index: new P4InfoIndex(p4info),
    deviceConfig,
    cookie: cookie ?? BigInt(contentHash(p4info, deviceConfig)),
  };
}
