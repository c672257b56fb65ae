import type { MatchKey, Output, Replica } from '../control.js';
import { EmulatorError } from '../errors.js';
import { ControlError } from '../control.js';
import type { Switch } from '../switch.js';
import type { Trace } from '../trace.js';
import { actionCall, bySuffix, matchKeys, number } from './names.js';
import { parseStf, StfError, type StfCommand } from './parse.js';

/** A larger number wins in STF files, a smaller one in BMv2; p4c's harness inverts them around this value. */
const PRIORITY_PIVOT = 10_000;

export interface StfResult {
  readonly passed: boolean;
  /** One sentence for each difference from what is expected. */
  readonly failures: readonly string[];
  readonly packets: number;
  readonly expectations: number;
}

export interface StfOptions {
  /** Called with the trace of each packet that the switch does not abort. */
  readonly onTrace?: (trace: Trace) => void;
}

interface Expectation {
  readonly line: number;
  readonly data: string | undefined;
}

/**
 * Runs an STF file on a switch whose program is loaded. Verdict as in p4c's harness: for each port named in the
 * file, the packets that leave it must be as many as expected and match in order; an expectation is a prefix
 * unless it ends in `$`. Counter checks, which that harness skips, are enforced.
 * @throws StfError if the file cannot be read or names what the program does not have.
 */
export function runStf(target: Switch, text: string, options: StfOptions = {}): StfResult {
  return new StfRun(target, options).run(parseStf(text));
}

class StfRun {
  private readonly failures: string[] = [];
  private readonly expected = new Map<number, Expectation[]>();
  private readonly received = new Map<number, Uint8Array[]>();
  private readonly named = new Map<
    string,
    { readonly table: string; readonly keys: readonly MatchKey[]; readonly priority: number }
  >();
  private readonly nodes: Replica[][] = [];
  private readonly groups = new Map<number, Replica[]>();
  private readonly ports = new Set<number>();
  private packets = 0;

  constructor(
    private readonly target: Switch,
    private readonly options: StfOptions,
  ) {}

  run(commands: readonly StfCommand[]): StfResult {
    for (const command of commands) {
      try {
        this.execute(command);
      } catch (error) {
        if (error instanceof ControlError) throw new StfError(command.line, error.message);
        throw error;
      }
    }
    this.compare();
    const expectations = [...this.expected.values()].reduce((sum, list) => sum + list.length, 0);
    return { passed: this.failures.length === 0, failures: this.failures, packets: this.packets, expectations };
  }

  private execute(command: StfCommand): void {
    const { control } = this.target;
    const { line } = command;
    switch (command.command) {
      case 'packet':
        this.ports.add(command.port);
        this.send(command.port, Uint8Array.from(Buffer.from(command.data, 'hex')), line);
        break;
      case 'expect':
        this.ports.add(command.port);
        pushTo(this.expected, command.port, { line, data: command.data });
        break;
      case 'add': {
        const table = bySuffix(line, 'table', command.table, control.describe().tables);
        const priority = table.hasPriority ? PRIORITY_PIVOT - (command.priority ?? 0) : 0;
        const keys = matchKeys(line, table, command.matches);
        control.insertEntry(table.name, { keys, priority, call: actionCall(line, table, command.action) });
        if (command.name !== undefined) this.named.set(command.name, { table: table.name, keys, priority });
        break;
      }
      case 'setdefault': {
        const table = bySuffix(line, 'table', command.table, control.describe().tables);
        control.setDefaultAction(table.name, actionCall(line, table, command.action));
        break;
      }
      case 'remove_all':
        for (const { name, constEntries } of control.describe().tables) {
          if (!constEntries)
            for (const { keys, priority } of control.entries(name)) control.deleteEntry(name, keys, priority);
        }
        break;
      case 'check_counter':
        this.checkCounter(command);
        break;
      case 'switch':
        this.switchCommand(command);
        break;
      case 'wait':
      case 'no_packet':
        // No packet is in flight between two commands, and surplus packets fail the test in any case.
        break;
    }
  }

  private send(port: number, bytes: Uint8Array, line: number): void {
    this.packets++;
    try {
      for (const output of this.outputs(port, bytes)) pushTo(this.received, output.port, output.bytes);
    } catch (error) {
      if (!(error instanceof EmulatorError)) throw error;
      this.failures.push(`line ${line}: ${error.message}`);
    }
  }

  private outputs(port: number, bytes: Uint8Array): readonly Output[] {
    const { onTrace } = this.options;
    if (onTrace === undefined) return this.target.receive(port, bytes);
    const trace = this.target.trace(port, bytes);
    onTrace(trace);
    return trace.outputs;
  }

  private checkCounter({ line, counter, index, check }: Extract<StfCommand, { command: 'check_counter' }>): void {
    const { control } = this.target;
    if (check === undefined) return;
    const entry = index.startsWith('$') ? this.named.get(index.slice(1)) : undefined;
    if (index.startsWith('$') && entry === undefined) throw new StfError(line, `no entry is named "${index.slice(1)}"`);
    const value =
      entry === undefined
        ? control.readCounter(
            bySuffix(line, 'counter', counter, control.describe().counters).name,
            Number(number(line, index)),
          )
        : control.readDirectCounter(entry.table, entry.keys, entry.priority);
    const actual = Number(value[check.unit]);
    const holds: Readonly<Record<string, boolean>> = {
      '==': actual === check.value,
      '!=': actual !== check.value,
      '<': actual < check.value,
      '<=': actual <= check.value,
      '>': actual > check.value,
      '>=': actual >= check.value,
    };
    if (!holds[check.operator]) {
      this.failures.push(
        `line ${line}: counter ${counter}(${index}) has ${actual} ${check.unit}, expected ${check.operator} ${check.value}`,
      );
    }
  }

  private switchCommand({ line, verb, args }: Extract<StfCommand, { command: 'switch' }>): void {
    const { control } = this.target;
    const int = (i: number): number => Number(number(line, args[i] ?? ''));
    const counter = () => bySuffix(line, 'counter', args[0] ?? '', control.describe().counters).name;
    const register = () => bySuffix(line, 'register', args[0] ?? '', control.describe().registers);
    const meter = () => bySuffix(line, 'meter', args[0] ?? '', control.describe().meters);
    switch (verb) {
      case 'mirroring_add':
        control.setCloneSession(int(0), [{ egressPort: int(1), instance: 0 }], 0);
        break;
      case 'mirroring_add_mc':
        control.setCloneSession(int(0), this.groups.get(int(1)) ?? [], 0);
        break;
      case 'mirroring_delete':
        control.deleteCloneSession(int(0));
        break;
      case 'mc_mgrp_create':
        this.groups.set(int(0), []);
        control.setMulticastGroup(int(0), []);
        break;
      case 'mc_node_create':
        this.nodes.push(
          args
            .slice(1)
            .map((port) => ({ egressPort: Number(number(line, port)), instance: int(0) }))
            .sort((a, b) => a.egressPort - b.egressPort),
        );
        break;
      case 'mc_node_associate': {
        const replicas = this.groups.get(int(0));
        const node = this.nodes[int(1)];
        if (replicas === undefined || node === undefined)
          throw new StfError(line, `there is no group ${args[0]} or no node ${args[1]}`);
        replicas.push(...node);
        control.setMulticastGroup(int(0), replicas);
        break;
      }
      case 'counter_write':
        control.writeCounter(counter(), int(1), {
          packets: number(line, args[2] ?? ''),
          bytes: number(line, args[3] ?? ''),
        });
        break;
      case 'register_write':
        control.writeRegister(register().name, int(1), number(line, args[2] ?? ''));
        break;
      case 'register_reset': {
        const { name, size } = register();
        for (let i = 0; i < size; i++) control.writeRegister(name, i, 0n);
        break;
      }
      case 'meter_set_rates':
        control.setMeter(meter().name, int(1), meterRates(line, args.slice(2)));
        break;
      case 'meter_array_set_rates': {
        const { name, size } = meter();
        for (let i = 0; i < size; i++) control.setMeter(name, i, meterRates(line, args.slice(1)));
        break;
      }
      case 'mirroring_get':
      case 'counter_read':
      case 'register_read':
      case 'meter_get_rates':
        // They only print.
        break;
      default:
        throw new StfError(line, `command ${verb} is not supported by this runner`);
    }
  }

  private compare(): void {
    for (const port of [...this.ports].sort((a, b) => a - b)) {
      const expected = this.expected.get(port) ?? [];
      const received = this.received.get(port) ?? [];
      if (expected.length !== received.length) {
        this.failures.push(`port ${port}: ${received.length} packet(s) left, expected ${expected.length}`);
      }
      expected.forEach(({ line, data }, i) => {
        const bytes = received[i];
        const problem =
          bytes === undefined || data === undefined ? undefined : difference(data, Buffer.from(bytes).toString('hex'));
        if (problem !== undefined) this.failures.push(`line ${line}: packet ${i + 1} on port ${port} ${problem}`);
      });
    }
  }
}

/** `rate:burst` with the rate in units per microsecond, as on simple_switch's command line. */
function meterRates(line: number, args: readonly string[]) {
  return args.map((arg) => {
    const [rate, burst] = arg.split(':');
    if (rate === undefined || burst === undefined) throw new StfError(line, `"${arg}" is not rate:burst`);
    return { perSecond: Number(rate) * 1e6, burst: Number(burst) };
  });
}

/** @returns what is wrong, or undefined. */
function difference(expected: string, actual: string): string | undefined {
  const exact = expected.endsWith('$');
  const digits = (exact ? expected.slice(0, -1) : expected).toLowerCase();
  if (exact ? actual.length !== digits.length : actual.length < digits.length) {
    return `is ${actual.length / 2} bytes long, expected ${exact ? '' : 'at least '}${digits.length / 2}: ${actual}`;
  }
  for (let i = 0; i < digits.length; i++) {
    if (digits[i] !== '*' && digits[i] !== actual[i]) return `differs at digit ${i}: ${actual}, expected ${digits}`;
  }
  return undefined;
}

function pushTo<T>(lists: Map<number, T[]>, key: number, item: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}
