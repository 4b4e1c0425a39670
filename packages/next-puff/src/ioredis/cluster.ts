import { unsupported } from './errors.js';

/** ioredis' client of a Redis Cluster, which this package does not have. */
export class Cluster {
  readonly isCluster = true;

  constructor() {
    throw unsupported(
      'Cluster',
      'Use `redis` of next-puff with the address of a cluster, or ioredis itself without `patch`.',
    );
  }
}
