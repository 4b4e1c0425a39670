import { withPuff } from 'next-puff';

export default withPuff({}, { dir: import.meta.dirname });
