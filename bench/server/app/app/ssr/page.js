import { Rows } from '../rows.js';

export const dynamic = 'force-dynamic';

export default function Page() {
  return <Rows title="Rendered for each request" />;
}
