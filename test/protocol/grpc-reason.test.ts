import { expect, it } from 'vitest';
import { grpcReason } from '../../protocol/grpc-reason.js';

it('an empty note on name resolution is cut off, and nothing else', () => {
  expect(grpcReason('No connection established. Last error: ECONNREFUSED. Resolution note: ')).toBe(
    'No connection established. Last error: ECONNREFUSED.',
  );
  expect(grpcReason('x Resolution note: host unknown')).toBe('x Resolution note: host unknown');
  expect(grpcReason('')).toBe('');
});
