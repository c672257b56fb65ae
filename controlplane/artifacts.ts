/** Builds of the P4 programs: those committed for BMv2 (`npm run p4` builds them), and those for a Tofino, compiled elsewhere. */
import { existsSync, readFileSync } from 'node:fs';
import { counted } from '../net/count.js';
import {
  BUILD_DESCRIPTORS,
  generalBuild,
  wantedBuild,
  type BuildDescriptor,
  type BuildChoice,
} from '../protocol/builds.js';
import type { QueryBuild } from '../protocol/query/constants.js';
import { shippedFile } from '../net/package-files.js';
import { parseP4Info } from '../p4runtime/p4info-file.js';
import { choices, ArtifactError } from './errors.js';
import type { P4Info } from '../p4runtime/p4info-messages.js';
import { contentHash, makePipeline, type PipelineConfig } from './p4runtime/pipeline.js';
import { readTofinoBuild } from './tofino/build.js';

/** The build that a switch is configured to run; part of its configuration (controller/state.ts). */
export interface ConfiguredBuild extends BuildChoice {
  /** Folder with what the Tofino compiler wrote. */
  readonly buildDir?: string | undefined;
}

/** Queries have no store: a switch keeps nothing between them that matters. */
const QUERY_OWNER = 0;

/**
 * Loads a build. The upper half of the cookie is the hash of its contents, the lower half the store's id:
 * a switch that runs another build, or that another store programmed, has another cookie and the pipeline is
 * pushed again, so no register holds a round that this store does not know.
 *
 * @param folder where the builds are; by default `p4/build` of this package
 * @throws ArtifactError listing the existing builds
 */
export function loadBuild(valuesPerPacket: number, storeId: number, folder?: string): PipelineConfig {
  return loadArtifacts(
    known(generalBuild(valuesPerPacket), `with ${counted(valuesPerPacket, 'value')} per packet`).name,
    storeId,
    folder,
  );
}

function known(build: BuildDescriptor | undefined, what: string): BuildDescriptor {
  if (build !== undefined) return build;
  throw new ArtifactError(`there is no build ${what} (builds: ${choices(BUILD_DESCRIPTORS.map(({ name }) => name))})`);
}

/**
 * The build that a switch is configured to run, with its device configuration in the form that the target takes.
 * @param folder where the builds for BMv2 are
 * @throws ArtifactError
 */
export function loadSwitchBuild(config: ConfiguredBuild, storeId: number, folder?: string): PipelineConfig {
  const { target, build, buildDir, valuesPerPacket } = config;
  if (buildDir === undefined)
    return loadArtifacts(
      known(wantedBuild(config), build ?? `with ${counted(valuesPerPacket, 'value')} per packet`).name,
      storeId,
      folder,
    );
  const { chip, p4info, deviceConfig, valuesPerPacket: compiled = valuesPerPacket } = readTofinoBuild(buildDir);
  if (chip !== target)
    throw new ArtifactError(
      `build directory ${buildDir} is compiled for ${chip}, but the switch's target is ${String(target)}`,
    );
  if (compiled !== valuesPerPacket)
    throw new ArtifactError(
      `build directory ${buildDir} is compiled for ${counted(compiled, 'value')} per packet, but the switch is configured for ${valuesPerPacket}`,
    );
  return pipelineOf(known(wantedBuild(config), '').name, p4info, deviceConfig, storeId);
}

/** Loads a build of the query program, by its name. @throws ArtifactError */
export function loadQueryBuild({ name }: QueryBuild): PipelineConfig {
  return loadArtifacts(name, QUERY_OWNER);
}

function loadArtifacts(name: string, owner: number, folder?: string): PipelineConfig {
  const config = readFile(name, ['.json'], folder);
  const info = readFile(name, ['.p4info.txtpb', '.p4info.txt', '.p4info.json'], folder);
  try {
    return pipelineOf(name, parseP4Info(info.toString('utf8')), config, owner);
  } catch (error) {
    throw new ArtifactError(`the P4Info of build ${name} cannot be used: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function pipelineOf(name: string, p4info: P4Info, deviceConfig: Uint8Array, owner: number): PipelineConfig {
  return makePipeline(name, p4info, deviceConfig, (BigInt(contentHash(p4info, deviceConfig)) << 32n) | BigInt(owner));
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
