import { unsupported } from './errors.js';

/** ioredis' client of a Redis Cluster, which this package does not have. */
export class Cluster {
  readonly isCluster = true;

  constructor() {
    throw unsupported(
      'Cluster',
      'Use one node or a proxy that hides the cluster, or ioredis itself without `patch`.',
    );
  }
}
