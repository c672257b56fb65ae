/** The pipelines of a device: the one that runs and the one that is saved (section "SetForwardingPipelineConfig RPC"). */
import type { ForwardingPipelineConfig, Init, PipelineAction, PipelineResponseType } from '../../p4runtime/index.js';
import type { Device } from './device.js';
import { programOf } from './device-config.js';
import { ForwardingPipeline } from './pipeline.js';
import { reconcile } from './reconcile.js';
import { invalid, notFound, precondition, RpcError, toRpcError, unimplemented } from './rpc-error.js';

export class PipelineStore {
  private running: ForwardingPipeline | undefined;
  private saved: ForwardingPipeline | undefined;

  /** @param onActivate called when packets have begun to run through another pipeline */
  constructor(
    private readonly device: Device,
    private readonly onActivate: (pipeline: ForwardingPipeline) => void,
  ) {}

  /** The pipeline that packets run through. */
  get active(): ForwardingPipeline | undefined {
    return this.running;
  }

  /** What Read and Write refer to: the saved pipeline, if there is one. @throws RpcError FAILED_PRECONDITION */
  current(): ForwardingPipeline {
    const pipeline = this.saved ?? this.running;
    if (!pipeline) throw precondition('No forwarding pipeline has been set.');
    return pipeline;
  }

  set(action: PipelineAction, config: ForwardingPipelineConfig | undefined): void {
    switch (action) {
      case 'VERIFY':
        this.verify(config);
        break;
      case 'VERIFY_AND_SAVE':
        this.saved = this.verify(config);
        break;
      case 'VERIFY_AND_COMMIT':
        this.activate(this.verify(config));
        break;
      case 'COMMIT':
        if (config) throw invalid('COMMIT takes the saved pipeline, so the request must not contain one.');
        if (!this.saved) throw notFound('No pipeline is saved; save one with VERIFY_AND_SAVE first.');
        // Writes since then went into the saved program, so there is nothing to replay.
        this.activate(this.saved);
        break;
      case 'RECONCILE_AND_COMMIT': {
        const next = this.verify(config);
        const before = this.saved ?? this.running;
        if (before) reconcile(before, next);
        this.activate(next);
        break;
      }
      case 'UNSPECIFIED':
        throw invalid('The action is not set; valid: VERIFY to RECONCILE_AND_COMMIT.');
      default:
        throw unimplemented(`The action ${String(action)} is not known.`);
    }
  }

  private verify(config: ForwardingPipelineConfig | undefined): ForwardingPipeline {
    const p4info = config?.p4info;
    if (!config || !p4info) throw invalid('The request has no P4Info.');
    if (config.p4DeviceConfig.length === 0) throw invalid('The request has no program (p4_device_config).');
    try {
      return new ForwardingPipeline({ ...config, p4info }, this.device.prepare(programOf(config.p4DeviceConfig)));
    } catch (error) {
      if (error instanceof RpcError) throw error;
      throw invalid(`The program cannot be loaded: ${toRpcError(error).message}`);
    }
  }

  private activate(pipeline: ForwardingPipeline): void {
    this.device.activate(pipeline.prepared);
    this.running = pipeline;
    this.saved = undefined;
    this.onActivate(pipeline);
  }

  get(type: PipelineResponseType): Init<ForwardingPipelineConfig> | undefined {
    const config = (this.saved ?? this.running)?.config;
    if (!config) return undefined;
    const { p4info, p4DeviceConfig, cookie } = config;
    switch (type) {
      case 'ALL':
        return { p4info, p4DeviceConfig, cookie };
      case 'COOKIE_ONLY':
        return { cookie };
      case 'P4INFO_AND_COOKIE':
        return { p4info, cookie };
      case 'DEVICE_CONFIG_AND_COOKIE':
        return { p4DeviceConfig, cookie };
      default:
        throw invalid(`The response type ${String(type)} is not known.`);
    }
  }
}
