/** The controller's gRPC server: jobs, status, and the Join streams of workers. */
import { Server, ServerCredentials, type handleUnaryCall } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { CONTROLLER_SERVICE } from '../../protocol/service.js';
import type { Controller } from '../controller/controller.js';
import type { ControllerServer as Handlers, Status } from '../../protocol/generated/fpisa.js';
import type { StatusMessage } from '../messages.js';
import { ControllerService } from './definition.js';
import { JoinStream, type JoinCall } from './join-stream.js';
import { reflection } from './reflection.js';
import { serviceStatus } from './status.js';

export interface ServerOptions {
  readonly credentials?: ServerCredentials;
  /** Milliseconds of silence after which a worker's connection is pinged, and within which the answer must arrive. */
  readonly keepaliveMs?: number;
  /** Milliseconds that a Join call may take to say who it is. */
  readonly helloTimeoutMs?: number;
}

/** A worker whose machine vanished without closing its connection counts as lost after twice this time. */
const KEEPALIVE_MS = 5_000;
const HELLO_TIMEOUT_MS = 10_000;
const SHUTDOWN_MS = 1_000;

export class ControllerServer {
  private readonly server: Server;
  private readonly health = new HealthImplementation({ '': 'SERVING', [CONTROLLER_SERVICE]: 'SERVING' });
  private readonly credentials: ServerCredentials;

  constructor(
    private readonly controller: Controller,
    options: ServerOptions = {},
  ) {
    const keepaliveMs = options.keepaliveMs ?? KEEPALIVE_MS;
    this.credentials = options.credentials ?? ServerCredentials.createInsecure();
    this.server = new Server({ 'grpc.keepalive_time_ms': keepaliveMs, 'grpc.keepalive_timeout_ms': keepaliveMs });
    const handlers: Handlers = {
      join: (call: JoinCall) => void new JoinStream(controller, call, options.helloTimeoutMs ?? HELLO_TIMEOUT_MS),
      createJob: unary((request) => controller.createJob(request)),
      listJobs: unary(() => ({ jobs: controller.listJobs() })),
      getJob: unary(({ name }) => controller.getJob(name)),
      deleteJob: unary(({ name, force }) => {
        controller.deleteJob(name, force);
        return {};
      }),
      getStatus: unary(async () => toWire(await controller.getStatus())),
      probeJob: unary(async ({ name }) => ({ slots: await controller.probeJob(name) })),
    };
    this.server.addService(ControllerService, handlers);
    this.health.addToServer(this.server);
    reflection().addToServer(this.server);
  }

  /**
   * Starts controller and server.
   * @param address `host:port`; port 0 takes a free one
   * @returns the port
   */
  async listen(address: string): Promise<number> {
    const port = await new Promise<number>((resolve, reject) => {
      this.server.bindAsync(address, this.credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
    });
    this.controller.start();
    return port;
  }

  /** Stops both; workers reconnect to a successor by themselves. */
  async close(): Promise<void> {
    this.health.setStatus('', 'NOT_SERVING');
    this.health.setStatus(CONTROLLER_SERVICE, 'NOT_SERVING');
    this.controller.stop();
    await new Promise<void>((resolve) => {
      const force = setTimeout(() => {
        this.server.forceShutdown();
        resolve();
      }, SHUTDOWN_MS);
      this.server.tryShutdown(() => {
        clearTimeout(force);
        resolve();
      });
    });
  }
}

/** A switch at the top of a tree has no parent, which the wire type expresses by absence and this side by null. */
function toWire({ switches, ...status }: StatusMessage): Status {
  return { ...status, switches: switches.map((each) => ({ ...each, parent: each.parent ?? undefined })) };
}

function unary<Request, Response>(
  run: (request: Request) => Response | Promise<Response>,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    Promise.resolve()
      .then(() => run(call.request))
      .then(
        (response) => callback(null, response),
        (error: unknown) => callback(serviceStatus(error)),
      );
  };
}
