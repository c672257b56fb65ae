/** The tests of workers again, for those that have a thread of their own. */
import { placeWorkers } from '../support/network.js';
import { threadFromSources } from '../support/thread-from-sources.js';

placeWorkers(threadFromSources);
await import('../worker.test.js');
await import('../worker-membership.test.js');
