/** What the measurements share as commands: numeric options, start and exit. */
import { accessSync, constants, mkdirSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** @throws Error that names the option and its bounds */
export function wholeNumber(name: string, text: string, low: number, high = Number.MAX_SAFE_INTEGER): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < low || value > high) {
    throw new Error(
      `--${name} is a whole number ${high === Number.MAX_SAFE_INTEGER ? `of at least ${low}` : `from ${low} to ${high}`}, not '${text}'`,
    );
  }
  return value;
}

/** A list like `64,256`. @throws Error that names the option and its bounds */
export function wholeNumbers(name: string, text: string, low: number, high: number): number[] {
  return text.split(',').map((each) => wholeNumber(name, each, low, high));
}

/** @throws Error that names the option and its bounds */
export function numberBetween(name: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= low && value <= high))
    throw new Error(`--${name} is a number from ${low} to ${high}, not '${text}'`);
  return value;
}

/** How long one measurement lasts. @throws Error that names the option and its bounds */
export function seconds(text: string): number {
  return numberBetween('seconds', text, 0.1, 3600);
}

/**
 * The folder of what is written in the end, made before anything is measured: results of many minutes must not be lost
 * because of it.
 * @throws Error that names the option if nothing can be written there
 */
export function outputFolder(name: string, path: string): string {
  try {
    mkdirSync(path, { recursive: true });
    accessSync(path, constants.W_OK);
  } catch (error) {
    throw new Error(`--${name}: nothing can be written to '${path}': ${(error as Error).message}`, { cause: error });
  }
  return path;
}

/**
 * Runs `main` if the module was started, not imported by a test. An error is reported in one sentence, with exit
 * code 1.
 * @param url of the module
 * @param main returns the exit code
 */
export async function runAsCommand(url: string, main: () => number | Promise<number>): Promise<void> {
  if (process.argv[1] === undefined || url !== pathToFileURL(process.argv[1]).href) return;
  process.exitCode = await Promise.resolve()
    .then(main)
    .catch((error: Error) => {
      console.error(error.message);
      return 1;
    });
}
