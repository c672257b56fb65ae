/** The committed builds of the P4 program (`npm run p4` makes them). */
import { existsSync, readFileSync } from 'node:fs';
import { BUILDS } from '../protocol/constants.js';
import type { QueryBuild } from '../protocol/query/constants.js';
import { shippedFile } from '../protocol/service.js';
import { parseP4Info } from '../p4runtime/p4info-file.js';
import { choices, ArtifactError } from './errors.js';
import { contentHash, makePipeline, type Pipeline } from './p4runtime/pipeline.js';

/** Queries have no store: a switch keeps nothing between them that matters. */
const QUERY_OWNER = 0;

/** Name of the build with `n` values per packet. */
export function buildName(n: number): string {
  return `fpisa-n${n}`;
}

/**
 * Loads a build. The upper half of the cookie is the hash of its contents, the lower half the store's id:
 * a switch that runs another build, or that another store programmed, has another cookie and is pushed
 * afresh, so no register holds a round that this store knows nothing of.
 *
 * @param folder where the builds are; by default `p4/build` of this package
 * @throws ArtifactError naming the builds there are
 */
export function loadBuild(valuesPerPacket: number, storeId: number, folder?: string): Pipeline {
  const name = buildName(valuesPerPacket);
  if (!BUILDS.some((n) => n === valuesPerPacket)) {
    throw new ArtifactError(`there is no build with ${valuesPerPacket} values per packet (builds: ${choices(BUILDS)})`);
  }
  return loadArtifacts(name, storeId, folder);
}

/** Loads a build of the query program, by its name. @throws ArtifactError */
export function loadQueryBuild({ name }: QueryBuild): Pipeline {
  return loadArtifacts(name, QUERY_OWNER);
}

function loadArtifacts(name: string, owner: number, folder?: string): Pipeline {
  const config = readFile(name, ['.json'], folder);
  const info = readFile(name, ['.p4info.txtpb', '.p4info.txt', '.p4info.json'], folder);
  try {
    const p4info = parseP4Info(info.toString('utf8'));
    const cookie = (BigInt(contentHash(p4info, config)) << 32n) | BigInt(owner);
    return makePipeline(name, p4info, config, cookie);
  } catch (error) {
    throw new ArtifactError(`the P4Info of build ${name} cannot be used: ${(error as Error).message}`, { cause: error });
  }
}

function readFile(name: string, endings: readonly string[], folder: string | undefined): Buffer {
  for (const ending of endings) {
    const path = locate(name + ending, folder);
    if (path !== undefined) return readFileSync(path);
  }
  const where = folder ?? 'p4/build';
  throw new ArtifactError(`${where} has no ${name}${endings[0]}; run "npm run p4" to build the P4 program`);
}

function locate(file: string, folder: string | undefined): string | undefined {
  if (folder !== undefined) {
    const path = `${folder}/${file}`;
    return existsSync(path) ? path : undefined;
  }
  try {
    return shippedFile(`p4/build/${file}`);
  } catch {
    return undefined;
  }
}
