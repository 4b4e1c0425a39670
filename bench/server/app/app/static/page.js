import { Rows } from '../rows.js';

export default function Page() {
  return <Rows title="Rendered by the build" />;
}
