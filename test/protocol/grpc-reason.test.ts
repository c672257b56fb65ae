import { expect, it } from 'vitest';
import { grpcReason } from '../../protocol/grpc-reason.js';

it('an empty note on name resolution is cut off, and nothing else', () => {
  expect(grpcReason('No connection established. Last error: ECONNREFUSED. Resolution note: ')).toBe(
    'no connection established: ECONNREFUSED',
  );
  expect(grpcReason('x Resolution note: host unknown')).toBe('x Resolution note: host unknown');
  expect(grpcReason('')).toBe('');
});

it('an error is said to be one once', () => {
  expect(
    grpcReason('No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:1. Resolution note: '),
  ).toBe('no connection established: connect ECONNREFUSED 127.0.0.1:1');
  expect(grpcReason('No connection established. Last error: null. Resolution note: ')).toBe(
    'no connection established',
  );
  expect(grpcReason('Error: of the server')).toBe('Error: of the server');
});
