/**
 * The device configuration that Stratum accepts for a Tofino: the message `stratum.hal.barefoot.BfPipelineConfig`
 * of its stratum/hal/lib/barefoot/bf.proto, serialised, and nothing else. Tar archives of the compiler's output,
 * which it once accepted, have been rejected since November 2020, and the format of PI (lengths in little-endian
 * order, each before its file) was removed with Stratum-bf in June 2022.
 */
import protobuf from 'protobufjs';

/** A program for some of the chip's pipes. */
interface BfProfile {
  readonly profileName: string;
  /** `context.json` */
  readonly context: Uint8Array;
  /** `tofino.bin`, or `tofino2.bin` */
  readonly binary: Uint8Array;
  /** Hardware pipes that run it. */
  readonly pipeScope: readonly number[];
}

export interface BfPipelineConfig {
  readonly p4Name: string;
  /** `bfrt.json` */
  readonly bfruntimeInfo: Uint8Array;
  readonly profiles: readonly BfProfile[];
}

/** Numbers, types and syntax as in bf.proto; the names are arbitrary, since they are not sent. */
const DEFINITION = `
  syntax = "proto3";
  message BfPipelineConfig {
    message Profile {
      string profileName = 1;
      bytes context = 2;
      bytes binary = 3;
      repeated uint32 pipeScope = 4;
    }
    string p4Name = 1;
    bytes bfruntimeInfo = 2;
    repeated Profile profiles = 3;
  }`;

const message = protobuf.parse(DEFINITION).root.resolveAll().lookupType('BfPipelineConfig');

/** `p4_device_config` of SetForwardingPipelineConfig. */
export function encodeBfPipelineConfig(config: BfPipelineConfig): Uint8Array {
  return message.encode(message.fromObject(config)).finish();
}
