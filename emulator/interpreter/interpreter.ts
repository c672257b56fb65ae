import type { Output } from '../control.js';
import type { Engine, EngineHost } from '../engine.js';
import type { Program } from '../json/program.js';
import type { TraceRecorder } from '../trace.js';
import { compileAction } from './actions.js';
import { Context } from './context.js';
import { compileDeparser } from './deparser.js';
import { compileParser } from './parser.js';
import { compilePipeline } from './pipeline.js';
import { TrafficManager } from './traffic-manager.js';

/**
 * The reference engine: the program compiled to closures over bigint, once for plain use and, when the first
 * trace is requested, once more with recording. Both share all state.
 */
export class Interpreter implements Engine {
  private readonly plain: TrafficManager;
  private traced: TrafficManager | undefined;

  constructor(
    private readonly program: Program,
    private readonly host: EngineHost,
  ) {
    this.plain = compile(program, host, false);
  }

  process(port: number, bytes: Uint8Array, trace?: TraceRecorder): Output[] {
    if (trace === undefined) return this.plain.process(port, bytes, undefined);
    this.traced ??= compile(this.program, this.host, true);
    return this.traced.process(port, bytes, trace);
  }
}

function compile(program: Program, host: EngineHost, traced: boolean): TrafficManager {
  const context = new Context(program, host, traced);
  const actions = program.actions.map((action) => compileAction(action, context));
  return new TrafficManager(context, {
    parse: compileParser(context),
    ingress: compilePipeline(program.ingress, actions, context),
    egress: compilePipeline(program.egress, actions, context),
    deparse: compileDeparser(context),
  });
}
