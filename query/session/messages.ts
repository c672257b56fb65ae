/** The messages of protocol/proto/fpisa-query.proto as plain objects. */
import type { CatalogColumn } from '../plan/catalog.js';
import type { TableFormat } from './tables.js';

export interface HelloMessage {
  readonly rank: number;
  readonly pid: number;
  readonly switchPort: number;
  readonly version: string;
}

export interface ReadyMessage {
  readonly ip: string;
  readonly udpPort: number;
  readonly mac: string;
  readonly tables: readonly { readonly name: string; readonly rows: number; readonly neverNull: readonly string[] }[];
}

export interface StepDoneMessage {
  readonly stream: number;
  readonly rows: number;
  readonly absorbed: number;
  readonly unfit: number;
  readonly kept: number;
  readonly packets: number;
  readonly repeats: number;
  readonly bytes: number;
}

export interface ShippedMessage {
  readonly rowSet: string;
  readonly rows: number;
  readonly columns: readonly CatalogColumn[];
}

export interface FailureMessage {
  readonly code: string;
  readonly message: string;
  readonly epoch: number;
}

/** Exactly one is there. */
export interface WorkerMessage {
  readonly hello?: HelloMessage;
  readonly ready?: ReadyMessage;
  readonly begun?: { readonly epoch: number };
  readonly progress?: { readonly rows: number };
  readonly piece?: { readonly relation: string; readonly data: Uint8Array };
  readonly stepDone?: StepDoneMessage;
  readonly shipped?: ShippedMessage;
  readonly failure?: FailureMessage;
}

export interface SetupMessage {
  readonly serviceIp: string;
  readonly serviceUdpPort: number;
  readonly threads: number;
  readonly timeZone: string;
  readonly tables: readonly {
    readonly name: string;
    readonly format: TableFormat;
    readonly csvOptions: string;
    readonly columns: readonly CatalogColumn[];
    readonly parts: readonly { readonly path: string; readonly part: number; readonly of: number }[];
  }[];
}

export interface BeginMessage {
  readonly epoch: number;
  readonly build: string;
  readonly rowSets: readonly { readonly name: string; readonly select: string; readonly helpers: readonly string[] }[];
}

export interface KeyColumnMessage {
  readonly name: string;
  readonly kind: 'int' | 'float' | 'text';
  readonly bytes: number;
  readonly sqlType: string;
}

export interface StepMessage {
  readonly stream: number;
  readonly flowSlots: number;
  readonly aggregate?: {
    readonly select: string;
    readonly keys: readonly KeyColumnMessage[];
    readonly lanes: readonly { readonly name: string; readonly op: number }[];
  };
  readonly prune?: {
    readonly operator: number;
    readonly rowSet: string;
    readonly column: string;
    readonly order: number;
    readonly keys: readonly KeyColumnMessage[];
    readonly isDistinct: boolean;
  };
}

/** Exactly one is there. */
export interface MasterMessage {
  readonly setup?: SetupMessage;
  readonly begin?: BeginMessage;
  readonly step?: StepMessage;
  readonly open?: { readonly stream: number };
  readonly ship?: { readonly rowSet: string };
  readonly finish?: { readonly failure: string };
}
