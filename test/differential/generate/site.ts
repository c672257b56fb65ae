/** Configurations: jobs, routes and parent switches, as the controller would write them. */
import type { NumericProfile } from '../../../arithmetic/index.js';
import { SERVICE_IP, workerIp, workerMac, workerPort } from '../../p4/support/frames.js';
import type { Configuration, Entry, Group } from '../scenario.js';

/** Numbers as the `join` action takes them; also ones that no controller would write. */
export interface ProfileParams {
  readonly mode: number;
  readonly format: number;
  readonly guard: number;
  readonly rounding: number;
  readonly left_shift_limit: number;
  readonly alignment: number;
}

export function profileParams(profile: NumericProfile): ProfileParams {
  return {
    mode: profile.mode === 'full' ? 0 : 1,
    format: profile.format === 'int32' ? 1 : 0,
    guard: profile.guard,
    rounding: profile.rounding === 'truncate' ? 0 : 1,
    left_shift_limit: profile.leftShiftLimit,
    alignment: profile.alignment === 'floor' ? 0 : 1,
  };
}

/** A switch above this one: the job's sums go to it, as the contribution of its worker `rank`. */
export interface Parent {
  readonly port: number;
  readonly ip: number;
  readonly mac: number;
  readonly rank: number;
}

export interface Job {
  readonly number: number;
  readonly workers: number;
  readonly profile: ProfileParams;
  readonly slotBase: number;
  readonly slots: number;
  readonly epoch: number;
  readonly parent?: Parent;
}

export interface Route {
  readonly address: number;
  readonly prefixLength: number;
  readonly port: number;
}

export interface Site {
  readonly jobs: readonly Job[];
  readonly routes: readonly Route[];
}

/** Worker r sits at port r + 1 in every job. */
export function portOf(rank: number): number {
  return rank + 1;
}

function groupOf(job: Job): number {
  return job.number + 1;
}

export function configurationOf(site: Site): Configuration {
  return {
    entries: [
      { table: 'fpisa.local', match: { dst_addr: SERVICE_IP }, action: 'fpisa.serve', params: {} },
      ...site.jobs.flatMap(jobEntries),
      ...site.routes.map((route): Entry => ({
        table: 'fpisa.ipv4',
        match: { dst_addr: { value: route.address, prefixLength: route.prefixLength } },
        action: 'fpisa.forward',
        params: {
          port: route.port,
          src_mac: 0x020000000f00 + route.port,
          dst_mac: 0x020000000e00 + route.prefixLength,
        },
      })),
    ],
    groups: site.jobs.map((job): Group => ({
      group: groupOf(job),
      replicas: Array.from({ length: job.workers }, (_, rank) => ({ port: portOf(rank), instance: rank + 1 })),
    })),
  };
}

function jobEntries(job: Job): Entry[] {
  const ranks = Array.from({ length: job.workers }, (_, rank) => rank);
  const { parent } = job;
  return [
    ...ranks.map((rank): Entry => ({
      table: 'fpisa.member',
      match: {
        ingress_port: portOf(rank),
        src_addr: workerIp(rank),
        src_port: workerPort(rank),
        job: job.number,
        worker: rank,
      },
      action: 'fpisa.join',
      params: {
        bitmap: 2 ** rank,
        all: 2 ** job.workers - 1,
        group: groupOf(job),
        slot_base: job.slotBase,
        slots: job.slots,
        epoch: job.epoch,
        ...job.profile,
      },
    })),
    ...ranks.map((rank): Entry => ({
      table: 'fpisa.receiver',
      match: { job: job.number, replica: rank + 1, egress_port: portOf(rank) },
      action: 'fpisa.address',
      params: { dst_mac: Number(workerMac(rank)), dst_addr: workerIp(rank), dst_port: workerPort(rank) },
    })),
    ...(parent === undefined
      ? []
      : [
          {
            table: 'fpisa.parent',
            match: { job: job.number },
            action: 'fpisa.ascend',
            params: { port: parent.port, dst_mac: parent.mac, dst_addr: parent.ip, worker: parent.rank },
          },
          {
            table: 'fpisa.from_parent',
            match: { ingress_port: parent.port, src_addr: parent.ip, job: job.number },
            action: 'fpisa.descend',
            params: { group: groupOf(job), epoch: job.epoch },
          },
        ]),
  ];
}
