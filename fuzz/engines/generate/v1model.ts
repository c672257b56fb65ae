/** v1model's standard metadata and its names of P4_14, as p4c writes them. */

export const STANDARD_METADATA = [
  ['ingress_port', 9, false],
  ['egress_spec', 9, false],
  ['egress_port', 9, false],
  ['instance_type', 32, false],
  ['packet_length', 32, false],
  ['enq_timestamp', 32, false],
  ['enq_qdepth', 19, false],
  ['deq_timedelta', 32, false],
  ['deq_qdepth', 19, false],
  ['ingress_global_timestamp', 48, false],
  ['egress_global_timestamp', 48, false],
  ['mcast_grp', 16, false],
  ['egress_rid', 16, false],
  ['checksum_error', 1, false],
  ['parser_error', 32, false],
  ['priority', 3, false],
  ['_padding', 3, false],
];

export const ALIASES = [
  ...['enq_timestamp', 'enq_qdepth', 'deq_timedelta', 'deq_qdepth'].map((name) => [
    `queueing_metadata.${name}`,
    ['standard_metadata', name],
  ]),
  ...['ingress_global_timestamp', 'egress_global_timestamp', 'mcast_grp', 'egress_rid', 'priority'].map((name) => [
    `intrinsic_metadata.${name}`,
    ['standard_metadata', name],
  ]),
];
