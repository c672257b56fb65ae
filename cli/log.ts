/** The log of a server: one line an event on standard error, for people or as JSON. */
import { Option } from 'commander';
import { pino } from 'pino';
import { PinoPretty } from 'pino-pretty';
import type { Log } from '../controlplane/index.js';
import { Repetitions } from './repetitions.js';

const LEVELS = ['error', 'warn', 'info', 'silent'] as const;
const FORMATS = ['text', 'json'] as const;

export interface LogFlags {
  readonly logLevel: (typeof LEVELS)[number];
  readonly logFormat: (typeof FORMATS)[number];
}

export const logOptions = (): Option[] => [
  new Option('--log-level <level>', 'what is logged on standard error: this and what is worse')
    .choices(LEVELS)
    .default('info'),
  new Option('--log-format <format>', 'form of the log; json has one object a line').choices(FORMATS).default('text'),
];

export function createLog({ logLevel, logFormat }: LogFlags): Log {
  // A reader of the log that has gone is no reason to end.
  process.stderr.on('error', () => undefined);
  const destination =
    logFormat === 'json'
      ? process.stderr
      : PinoPretty({
          destination: process.stderr,
          colorize: process.stderr.isTTY,
          ignore: 'pid,hostname',
          // Messages say what the fields say.
          hideObject: true,
          translateTime: 'SYS:yyyy-mm-dd HH:MM:ss.l',
        });
  const logger = pino({ level: logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
  const repetitions = new Repetitions<{ level: keyof Log; fields: object; message: string }>(
    ({ level, fields, message }, more) =>
      logger[level]({ ...fields, repeated: more }, `${message} (${more} more times)`),
  );
  const write =
    (level: keyof Log) =>
    (fields: object, message: string): void => {
      if (repetitions.isFirst(`${level} ${message}`, { level, fields, message })) logger[level](fields, message);
    };
  return { info: write('info'), warn: write('warn'), error: write('error') };
}
