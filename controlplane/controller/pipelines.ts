import { loadSwitchBuild } from '../artifacts.js';
import type { PipelineConfig } from '../p4runtime/pipeline.js';
import type { SwitchConfig } from './state.js';

/** The builds that switches run, each loaded once: switches with the same build share it. */
export class LoadedPipelines {
  private readonly loaded = new Map<string, PipelineConfig>();

  /** @param folder of the builds; default: those of the package */
  constructor(private readonly folder: string | undefined) {}

  /** @throws ArtifactError */
  of(config: SwitchConfig, storeId: number): PipelineConfig {
    const key = JSON.stringify([config.target, config.build, config.buildDir, config.valuesPerPacket]);
    let pipeline = this.loaded.get(key);
    if (pipeline === undefined) {
      pipeline = loadSwitchBuild(config, storeId, this.folder);
      this.loaded.set(key, pipeline);
    }
    return pipeline;
  }
}
