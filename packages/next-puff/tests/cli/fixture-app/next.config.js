import { resolve } from 'node:path';
import { withPuff } from 'next-puff';

const root = resolve(import.meta.dirname, '../../../../..');

export default withPuff({
  serverExternalPackages: ['pg'],
  turbopack: { root },
  outputFileTracingRoot: root,
});
