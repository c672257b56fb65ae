/** Rows through the switch, each counted once: for whoever has a transport and a plan of their own. */
export { MasterEndpoint } from './master.js';
export { RowReceiver, type ReceiverOptions, type ReceiverStatistics } from './receiver.js';
export type { AnswerTimeouts } from './retransmission.js';
export { RowSender, type MessageOutlet, type SenderStatistics, type StreamOptions } from './sender.js';
