import { resolve } from 'node:path';
import { withPuff } from 'next-puff';

const root = resolve(import.meta.dirname, '../../../../..');

export default withPuff({
  output: process.env.FIXTURE_OUTPUT,
  serverExternalPackages: ['pg'],
  turbopack: { root },
  outputFileTracingRoot: root,
  // Large, and of no use to this app.
  outputFileTracingExcludes: { '*': ['**/node_modules/@img/**', '**/node_modules/sharp/**'] },
});
