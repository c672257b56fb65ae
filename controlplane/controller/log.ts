/** What a controller reports about what happens to it. Each message says it all; the fields say it again, for programs. */

/** A logger of pino is one. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const nothing = (): void => undefined;
export const SILENT: Log = { info: nothing, warn: nothing, error: nothing };
