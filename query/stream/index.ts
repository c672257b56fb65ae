/** Rows through the switch, each counted once: for callers with their own transport and plan. */
export { MasterEndpoint } from './master.js';
export { RowReceiver, type ReceiverOptions, type ReceiverStatistics } from './receiver.js';
export type { AnswerTimeouts } from './retransmission.js';
export { RowSender, type MessageOutlet, type SenderStatistics, type StreamOptions } from './sender.js';
