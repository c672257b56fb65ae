import type { Expression } from '../json/data.js';
import type { ActionDef, Primitive, Program } from '../json/program.js';
import type { Layout } from './layout.js';
import { wasm, type WasmModule } from './wasm.js';

/** What the compiler produces for a program. */
export interface CompiledProgram {
  readonly program: Program;
  readonly layout: Layout;
  readonly fallbacks: Fallbacks;
  /** The module, in the binary format. */
  readonly wasm: Uint8Array;
  readonly scratchBytes: number;
}

/** A compiled program that can be run. It refers to no state, so switches that run the same program share it. */
export interface Artifact extends Omit<CompiledProgram, 'wasm'> {
  readonly module: WasmModule;
}

export function artifactOf({ wasm: bytes, ...rest }: CompiledProgram): Artifact {
  return { ...rest, module: new wasm.Module(bytes) };
}

/** What the module leaves to the interpreter's code, by the number that it passes to the import. */
export interface Fallbacks {
  readonly expressions: { readonly expression: Expression; readonly action: ActionDef | undefined }[];
  readonly primitives: { readonly primitive: Primitive; readonly action: ActionDef | undefined }[];
  /** Transitions on a parser value set. */
  readonly valueSets: ValueSetTest[];
  /** Texts of PacketAbortError. */
  readonly messages: string[];
}

/** The parts of the key follow each other, each in whole limbs. */
interface ValueSetTest {
  readonly set: number;
  readonly mask: bigint | null;
  readonly widths: readonly number[];
}
