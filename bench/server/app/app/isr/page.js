import { Rows } from '../rows.js';

export const revalidate = 3600;

export default function Page() {
  return <Rows title="Rendered every hour" />;
}
