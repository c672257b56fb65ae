/** The C programs that send and answer frames: bench/c, compiled on demand. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shippedFile } from '../../net/package-files.js';

export class CProgram {
  private constructor(private readonly folder: string) {}

  /** @param name of a file in bench/c @returns undefined if there is no C compiler */
  static compile(name: string): CProgram | undefined {
    const folder = mkdtempSync(join(tmpdir(), 'fpisa-bench-'));
    const source = shippedFile(`bench/c/${name}.c`);
    try {
      execFileSync('cc', ['-std=c11', '-O3', '-Wall', '-Wextra', '-o', join(folder, 'program'), source], {
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      return new CProgram(folder);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  get path(): string {
    return join(this.folder, 'program');
  }

  /**
   * A port as the programs take it: its interface, and files of the frames that they send and of those that arrive.
   * @param number of the port, for its files
   */
  port(number: number, name: string, out: readonly Uint8Array[], arriving: readonly Uint8Array[]): string {
    return [name, this.file(`${number}.out`, out), this.file(`${number}.in`, arriving)].join(',');
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The length of a frame in two bytes, then the frames. */
  private file(name: string, frames: readonly Uint8Array[]): string {
    const path = join(this.folder, name);
    const { length } = frames[0]!;
    writeFileSync(path, Buffer.concat([Uint8Array.of(length >> 8, length & 0xff), ...frames]));
    return path;
  }
}

/** A command that runs on one CPU only. */
export function pinned(cpu: number | undefined, command: readonly string[]): string[] {
  return cpu === undefined ? [...command] : ['taskset', '-c', String(cpu), ...command];
}
