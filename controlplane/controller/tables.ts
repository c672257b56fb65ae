/** Names in the P4 program (p4/v1model). */
export const Table = {
  local: 'fpisa.local',
  member: 'fpisa.member',
  receiver: 'fpisa.receiver',
  parent: 'fpisa.parent',
  fromParent: 'fpisa.from_parent',
  ipv4: 'fpisa.ipv4',
} as const;
