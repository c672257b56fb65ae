/** The emulator's switch as the P4Runtime server drives it. */
import type { Control, Output } from '../control.js';
import { EmulatorError } from '../errors.js';
import { Switch, type SwitchOptions } from '../switch.js';
import type { Device, PreparedProgram } from './device.js';

interface PreparedSwitch extends PreparedProgram {
  readonly prepared: Switch;
}

/**
 * A switch whose program can be replaced while it runs: each program has its own switch, so one can be
 * written to before it gets its first packet. Ports use {@link receive} and {@link onOutput}.
 */
export class SwitchDevice implements Device {
  private active: Switch;
  private readonly packetIns = new Set<(bytes: Uint8Array) => void>();
  private readonly outputs = new Set<(output: Output) => void>();

  constructor(private readonly options: SwitchOptions = {}) {
    this.active = new Switch(options);
  }

  get cpuPort(): number {
    return this.active.cpuPort;
  }

  /** Of the program that runs now. */
  get control(): Control {
    return this.active.control;
  }

  /** The switch that runs now; another one after the next program. */
  get current(): Switch {
    return this.active;
  }

  prepare(program: Uint8Array): PreparedSwitch {
    const prepared = new Switch(this.options);
    prepared.load(new TextDecoder('utf-8', { fatal: true }).decode(program));
    return { control: prepared.control, prepared };
  }

  activate(program: PreparedProgram): void {
    const { prepared } = program as Partial<PreparedSwitch>;
    if (!prepared) throw new EmulatorError('EMULATOR_NO_PROGRAM', 'the program was prepared by another device');
    this.active = prepared;
  }

  /**
   * A packet that came in. Returns what leaves through other ports than the controller's.
   * @throws EmulatorError, as {@link Switch.receive}
   */
  receive(port: number, bytes: Uint8Array): Output[] {
    const outputs = this.active.receive(port, bytes);
    const packetIns = outputs.filter((output) => output.port === this.cpuPort);
    for (const { bytes: packet } of packetIns) for (const listener of this.packetIns) listener(packet);
    return packetIns.length === 0 ? outputs : outputs.filter((output) => output.port !== this.cpuPort);
  }

  packetOut(bytes: Uint8Array): void {
    for (const output of this.receive(this.cpuPort, bytes)) {
      for (const listener of this.outputs) listener(output);
    }
  }

  onPacketIn(listener: (bytes: Uint8Array) => void): () => void {
    this.packetIns.add(listener);
    return () => this.packetIns.delete(listener);
  }

  /** What leaves because of packet-outs. @returns the function that unsubscribes */
  onOutput(listener: (output: Output) => void): () => void {
    this.outputs.add(listener);
    return () => this.outputs.delete(listener);
  }
}
