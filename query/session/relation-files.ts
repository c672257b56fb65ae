/** What workers send of each relation, collected in files. */
import { appendFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class RelationFiles {
  bytes = 0;
  private readonly paths = new Map<string, Map<number, string>>();

  private constructor(private readonly folder: string) {}

  static async create(): Promise<RelationFiles> {
    return new RelationFiles(await mkdtemp(join(tmpdir(), 'fpisa-query-')));
  }

  /** Written before it returns, so that a worker's answer that follows its pieces finds them in the file. */
  add(rank: number, relation: string, data: Uint8Array): void {
    const ranks = this.paths.get(relation) ?? new Map<number, string>();
    this.paths.set(relation, ranks);
    const path = ranks.get(rank) ?? join(this.folder, `${this.paths.size}-${rank}.parquet`);
    ranks.set(rank, path);
    appendFileSync(path, data);
    this.bytes += data.byteLength;
  }

  /** Paths of one relation's files, by rank. */
  of(relation: string): readonly string[] {
    return [...(this.paths.get(relation) ?? [])].sort(([a], [b]) => a - b).map(([, path]) => path);
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
