/** Where BMv2's server answers these clients otherwise than `fpisa switch` does; docs/p4runtime.md has each reason. */
import type { Client } from './clients.js';

export interface Difference {
  readonly why: string;
  /** What the scripts see in BMv2, by client and name of the check; errors without their words. */
  readonly seen: Partial<Record<Client['name'], Readonly<Record<string, unknown>>>>;
}

export const differences: readonly Difference[] = [
  {
    why: 'The version of P4Runtime that the server says it has.',
    seen: {
      'p4runtime-shell': {
        version: '1.3.0',
      },
    },
  },
  {
    why: 'Constant entries have the priorities N to 1 and say `is_const`, as the specification has it since 1.4; BMv2 numbers them down from 2147483646, and finds none to delete.',
    seen: {
      'p4runtime-shell': {
        'read fixed': [
          'table_id: 34798075 ("Ingress_.fixed"); match {; field_id: 1 ("hdr.ethernet.type"); ternary {; value: "\\\\x01"; mask: "\\\\x01"; }; }; action {; action {; action_id: 22768967 ("Ingress_.note"); params {; param_id: 1 ("index"); value: "\\\\x03"; }; params {; param_id: 2 ("value"); value: "\\\\x21"; }; }; }; priority: 2147483644',
          'table_id: 34798075 ("Ingress_.fixed"); match {; field_id: 1 ("hdr.ethernet.type"); ternary {; value: "\\\\x88\\\\x00"; mask: "\\\\xff\\\\x00"; }; }; action {; action {; action_id: 22768967 ("Ingress_.note"); params {; param_id: 1 ("index"); value: "\\\\x02"; }; params {; param_id: 2 ("value"); value: "\\\\x16"; }; }; }; priority: 2147483645',
          'table_id: 34798075 ("Ingress_.fixed"); match {; field_id: 1 ("hdr.ethernet.type"); ternary {; value: "\\\\x88\\\\xb5"; mask: "\\\\xff\\\\xff"; }; }; action {; action {; action_id: 22768967 ("Ingress_.note"); params {; param_id: 1 ("index"); value: "\\\\x01"; }; params {; param_id: 2 ("value"); value: "\\\\x0b"; }; }; }; priority: 2147483646',
        ],
        'constant table': 'Error(s) during Write:\n\t* At index 0: NOT_FOUND',
      },
      finsy: {
        'read fixed': [
          "P4TableEntry(table_id='fixed', match={'type': (1, 1)}, action=P4TableAction(name='note', args={'index': 3, 'value': 33}), priority=2147483644)",
          "P4TableEntry(table_id='fixed', match={'type': (34816, 65280)}, action=P4TableAction(name='note', args={'index': 2, 'value': 22}), priority=2147483645)",
          "P4TableEntry(table_id='fixed', match={'type': (34997, 65535)}, action=P4TableAction(name='note', args={'index': 1, 'value': 11}), priority=2147483646)",
        ],
        'constant table': { '0': 'NOT_FOUND' },
      },
    },
  },
  {
    why: 'A full table is RESOURCE_EXHAUSTED, a member in use FAILED_PRECONDITION, an index that is too large OUT_OF_RANGE in the details; BMv2 says UNKNOWN to each.',
    seen: {
      'p4runtime-shell': {
        'table full': [null, null, null, 'Error(s) during Write:\n\t* At index 0: UNKNOWN'],
        'member in use': 'Error(s) during Write:\n\t* At index 0: UNKNOWN',
      },
      finsy: {
        'member in use': { '0': 'UNKNOWN' },
        'counter index': 'UNKNOWN',
      },
    },
  },
  {
    why: 'BMv2 lists the first member twice when all members of a selector are read.',
    seen: {
      'p4runtime-shell': {
        members: [
          'action_profile_id: 298386741 ("Ingress_.selector"); member_id: 1; action {; action_id: 18912107 ("Ingress_.forward"); params {; param_id: 1 ("port"); value: "\\\\x01"; }; }',
          'action_profile_id: 298386741 ("Ingress_.selector"); member_id: 1; action {; action_id: 18912107 ("Ingress_.forward"); params {; param_id: 1 ("port"); value: "\\\\x01"; }; }',
          'action_profile_id: 298386741 ("Ingress_.selector"); member_id: 2; action {; action_id: 18912107 ("Ingress_.forward"); params {; param_id: 1 ("port"); value: "\\\\x02"; }; }',
        ],
      },
      finsy: {
        members: [
          "P4ActionProfileGroup(action_profile_id='selector', group_id=1, max_size=4, members=[P4Member(member_id=1, weight=2), P4Member(member_id=2, weight=1)])",
          "P4ActionProfileMember(action_profile_id='selector', member_id=1, action=P4TableAction(name='forward', args={'port': 1}))",
          "P4ActionProfileMember(action_profile_id='selector', member_id=1, action=P4TableAction(name='forward', args={'port': 1}))",
          "P4ActionProfileMember(action_profile_id='selector', member_id=2, action=P4TableAction(name='forward', args={'port': 2}))",
        ],
      },
    },
  },
  {
    why: 'A group must have a `max_size` where the selector has a largest one, says the specification; BMv2 takes 0.',
    seen: {
      finsy: {
        'group without a size': null,
      },
    },
  },
  {
    why: 'A notification of an idle timeout has the entry with its action; BMv2 leaves the action out.',
    seen: {
      'p4runtime-shell': {
        'idle timeout': [
          'table_id: 37341916; match {; field_id: 1; exact {; value: "\\002\\000\\000\\000\\000w"; }; }; idle_timeout_ns: 200000000',
        ],
      },
      finsy: {
        'idle timeout': ["P4TableEntry(table_id='l2', match={'dst': 2199023255671}, idle_timeout_ns=200000000)"],
      },
    },
  },
  {
    why: 'BMv2 serves neither registers nor value sets.',
    seen: {
      finsy: {
        'register written': { '0': 'UNIMPLEMENTED' },
        register: 'UNIMPLEMENTED',
        'value set': { '0': 'UNIMPLEMENTED' },
      },
    },
  },
];
